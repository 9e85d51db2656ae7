select
    'contribution residual above 10 bp' as check_name,
    concat(index_code, ' ', trade_date) as subject,
    concat(
        'The index moved by ', cast(index_change_ratio as decimal(18, 6)),
        ' and its members explain ',
        cast(index_change_ratio - contribution_residual as decimal(18, 6)),
        ' (', cast(price_coverage as decimal(18, 4)),
        ' of the weight priced): contributions of that session do not add up to the index.'
    ) as detail
from {{ ref('fct_index_breadth_daily') }}
where abs(contribution_residual) > 0.001
