select
    'contribution residual above 10 bp' as check_name,
    concat(index_code, ' ', cast(trade_date as varchar)) as subject,
    concat(
        'The index moved by ', cast(cast(index_change_ratio as decimal(18, 6)) as varchar),
        ' and its members explain ',
        cast(cast(index_change_ratio - contribution_residual as decimal(18, 6)) as varchar),
        ' (', cast(cast(price_coverage as decimal(18, 4)) as varchar),
        ' of the weight priced): contributions of that session do not add up to the index.'
    ) as detail
from {{ ref('fct_index_breadth_daily') }}
where abs(contribution_residual) > 0.001
