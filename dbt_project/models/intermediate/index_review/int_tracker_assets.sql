-- What the trackers of an index hold together on the date of a set: each one's latest known assets of the ten days to
-- it.
with assets as (
    select
        reviews.index_code,
        reviews.weight_date,
        funds.etf_code,
        max_by(funds.aum_cny, funds.trade_date) as aum_cny,
        max_by(funds.knowledge_at, funds.trade_date) as known_at
    from {{ lately(ref('int_index_reviews'), 'weight_date', 0) }} as reviews
    inner join {{ ref('stg_etf_profiles') }} as profiles
        on reviews.index_code = profiles.tracked_index_code
    inner join {{ lately(ref('fct_etf_daily'), 'trade_date', 10) }} as funds
        on
            profiles.etf_code = funds.etf_code
            and reviews.weight_date >= funds.trade_date
            and funds.trade_date > {{ dbt.dateadd('day', -10, 'reviews.weight_date') }}
    where funds.aum_cny is not null
    group by reviews.index_code, reviews.weight_date, funds.etf_code
)

select
    index_code,
    weight_date,
    count(*) as trackers,
    cast(sum(aum_cny) as decimal(20, 2)) as aum_cny,
    max(known_at) as known_at
from assets
group by index_code, weight_date
