select
    'index weight set unusable' as check_name,
    concat(index_code, ' ', cast(weight_date as varchar)) as subject,
    case
        when set_kind = 'bad'
            then concat(
                'The weights of ', cast(members as varchar), ' members sum to ',
                cast(cast(weight_sum as decimal(18, 6)) as varchar),
                ', outside 0.995 to 1.005: the set is kept raw and not used, the previous set goes on.'
            )
        else concat(
            'Only ', cast(known_weights as varchar), ' of ', cast(members as varchar),
            ' members have a weight: the set serves membership alone, weights of the previous set go on.'
        )
    end as detail
from {{ ref('int_index_sets') }}
where set_kind in ('bad', 'incomplete')
