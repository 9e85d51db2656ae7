select
    'index weight set unusable' as check_name,
    concat(index_code, ' ', weight_date) as subject,
    case
        when set_kind = 'bad'
            then concat(
                'The weights of ', members, ' members sum to ',
                cast(weight_sum as decimal(18, 6)),
                ', outside 0.995 to 1.005: the set is kept raw and not used, the previous set goes on.'
            )
        else concat(
            'Only ', known_weights, ' of ', members,
            ' members have a weight: the set serves membership alone, weights of the previous set go on.'
        )
    end as detail
from {{ ref('int_index_sets') }}
where set_kind in ('bad', 'incomplete')
