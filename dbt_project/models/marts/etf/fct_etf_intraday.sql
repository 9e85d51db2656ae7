select
    etf_code,
    quote_ts,
    last,
    open,
    prev_close,
    cast(last as double) / nullif(cast(prev_close as double), 0) - 1 as change_ratio,
    volume_shares,
    turnover_cny,
    iopv,
    cast(last as double) / nullif(cast(iopv as double), 0) - 1 as premium_ratio,
    knowledge_at
from {{ ref('stg_etf_quotes') }}
