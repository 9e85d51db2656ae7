with new_members as (
    select
        reviews.index_code,
        reviews.weight_date,
        members.security_code,
        members.weight / sum(members.weight) over (
            partition by reviews.index_code, reviews.weight_date
        ) as weight
    from {{ lately(ref('int_index_reviews'), 'weight_date', 0) }} as reviews
    inner join {{ ref('stg_index_weights') }} as members
        on reviews.index_code = members.index_code and reviews.weight_date = members.weight_date
),

old_members as (
    select
        reviews.index_code,
        reviews.weight_date,
        members.security_code
    from {{ lately(ref('int_index_reviews'), 'weight_date', 0) }} as reviews
    inner join {{ ref('stg_index_weights') }} as members
        on reviews.index_code = members.index_code and reviews.previous_date = members.weight_date
),

pairs as (
    select
        index_code,
        weight_date,
        security_code
    from new_members
    union
    select
        index_code,
        weight_date,
        security_code
    from old_members
),

drift_days as (
    select
        index_code,
        weight_date,
        max(drift_date) as drift_date,
        max(known_at) as known_at
    from {{ lately(ref('int_index_drifted_sets'), 'weight_date', 0) }}
    group by index_code, weight_date
),

compared as (
    select
        pairs.index_code,
        pairs.weight_date,
        pairs.security_code,
        case
            when old_members.security_code is null then 'add'
            when new_members.security_code is null then 'drop'
            else 'stay'
        end as change, -- noqa: RF04
        case when drift_days.drift_date is not null then coalesce(drifted.weight, 0) end as weight_before,
        coalesce(new_members.weight, 0) as weight_after,
        case
            when drift_days.drift_date is not null
                then coalesce(new_members.weight, 0) - coalesce(drifted.weight, 0)
        end as weight_change,
        drift_days.known_at as drift_known_at
    from pairs
    left join new_members
        on
            pairs.index_code = new_members.index_code
            and pairs.weight_date = new_members.weight_date
            and pairs.security_code = new_members.security_code
    left join old_members
        on
            pairs.index_code = old_members.index_code
            and pairs.weight_date = old_members.weight_date
            and pairs.security_code = old_members.security_code
    left join drift_days
        on pairs.index_code = drift_days.index_code and pairs.weight_date = drift_days.weight_date
    left join {{ lately(ref('int_index_drifted_sets'), 'weight_date', 0) }} as drifted
        on
            pairs.index_code = drifted.index_code
            and pairs.weight_date = drifted.weight_date
            and pairs.security_code = drifted.security_code
),

asked as (
    select distinct
        security_code,
        weight_date as asked_date,
        true as is_asked
    from pairs
    union all
    select
        security_code,
        trade_date as asked_date,
        false as is_asked
    from {{ lately(ref('int_security_turnovers'), 'trade_date', 31) }}
),

last_bars as (
    select
        security_code,
        asked_date,
        is_asked,
        max(case when not is_asked then asked_date end) over (
            partition by security_code
            order by asked_date nulls last, is_asked nulls last
            rows unbounded preceding
        ) as bar_date
    from asked
),

-- the mainland publishes no rate on days without a session: the last one of the ten days to the set
rates as (
    select
        reviews.weight_date,
        fx.pair,
        max_by(fx.rate, fx.rate_date) as rate,
        max_by(coalesce(fx.contradiction, 'none'), fx.rate_date) as contradiction,
        max_by(fx.knowledge_at, fx.rate_date) as known_at
    from (select distinct weight_date from {{ lately(ref('int_index_reviews'), 'weight_date', 0) }}) as reviews
    inner join {{ lately(ref('int_exchange_rates'), 'rate_date', 10) }} as fx
        on
            reviews.weight_date >= fx.rate_date
            and fx.rate_date > {{ dbt.dateadd('day', -10, 'reviews.weight_date') }}
    where fx.rate_kind = 'valuation'
    group by reviews.weight_date, fx.pair
),

traded as (
    select
        compared.*,
        turnovers.currency,
        turnovers.average_turnover,
        turnovers.bars,
        case
            when turnovers.currency = 'CNY' then 1
            when rates.contradiction = 'none' then rates.rate
        end as cny_rate,
        rates.contradiction <> 'none' as is_rate_contradicted,
        assets.aum_cny,
        greatest(
            reviews.known_at,
            coalesce(compared.drift_known_at, reviews.known_at),
            coalesce(turnovers.known_at, reviews.known_at),
            coalesce(rates.known_at, reviews.known_at),
            coalesce(assets.known_at, reviews.known_at)
        ) as known_at
    from compared
    inner join {{ lately(ref('int_index_reviews'), 'weight_date', 0) }} as reviews
        on compared.index_code = reviews.index_code and compared.weight_date = reviews.weight_date
    left join last_bars
        on
            compared.security_code = last_bars.security_code
            and compared.weight_date = last_bars.asked_date
            and last_bars.is_asked
    left join {{ lately(ref('int_security_turnovers'), 'trade_date', 31) }} as turnovers
        on
            last_bars.security_code = turnovers.security_code
            and last_bars.bar_date = turnovers.trade_date
            -- a share without a bar for a month has no turnover to trade against
            and turnovers.trade_date > {{ dbt.dateadd('day', -31, 'compared.weight_date') }}
    left join rates
        on
            compared.weight_date = rates.weight_date
            and rates.pair = turnovers.currency || 'CNY'
    left join {{ lately(ref('int_tracker_assets'), 'weight_date', 0) }} as assets
        on compared.index_code = assets.index_code and compared.weight_date = assets.weight_date
),

estimated as (
    select
        *,
        case
            when weight_change is null then 'not_drifted'
            when aum_cny is null then 'no_tracker_assets'
            when average_turnover is null or average_turnover <= 0 then 'no_turnover'
            when is_rate_contradicted then 'fx_contradicted'
            when cny_rate is null then 'fx_missing'
            else 'known'
        end as trade_status
    from traded
)

select
    index_code,
    weight_date as set_date,
    security_code,
    change, -- noqa: RF04
    weight_before,
    weight_after,
    weight_change,
    trade_status,
    case
        when abs(weight_change * cast(aum_cny as double)) < 1e17
            then cast(weight_change * cast(aum_cny as double) as decimal(20, 2))
    end as tracker_trade_cny,
    case
        when average_turnover * cny_rate < 1e17 then cast(average_turnover * cny_rate as decimal(20, 2))
    end as average_turnover_cny,
    currency as turnover_currency,
    cast(cny_rate as double) as turnover_cny_rate,
    cast(bars as integer) as turnover_days,
    case
        when trade_status = 'known'
            then abs(weight_change) * cast(aum_cny as double) / (average_turnover * cny_rate)
    end as days_to_trade,
    known_at as knowledge_at
from estimated
