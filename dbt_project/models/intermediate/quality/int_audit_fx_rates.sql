-- A line per pair, kind and contradiction: a column read the wrong way round would otherwise give one for every day.
with counted as (
    select
        pair,
        rate_kind,
        contradiction,
        count(*) as rates,
        min(rate_date) as first_date,
        max(rate_date) as last_date,
        min_by(rate, rate_date) as rate,
        min_by(other_rate, rate_date) as other_rate,
        min_by(other_said, rate_date) as other_said
    from {{ ref('int_exchange_rates') }}
    where contradiction is not null
    group by pair, rate_kind, contradiction
)

select
    'fx_rate_' || contradiction as check_name,
    concat(pair, ' ', rate_kind, ' ', first_date) as subject,
    concat(
        rates, ' ', rate_kind, ' rate(s) of ', pair, ' from ', first_date, ' to ', last_date,
        case contradiction
            when 'inverted' then ' look turned round: '
            when 'jump' then ' jumped by more than a fifth: '
            else ' lie more than a tenth beside another source: '
        end,
        cast(cast(rate as decimal(28, 6)) as varchar), ' ', substring(pair, 4, 3), ' for one ', substring(pair, 1, 3),
        ', ', other_said, ' ', cast(cast(other_rate as decimal(28, 6)) as varchar),
        case
            when rate_kind = 'valuation' and pair like '%CNY'
                then
                    ': they convert nothing; tracking and days to trade that need them are NULL with status '
                    || 'fx_contradicted. Land the rates again as '
            else ': no figure uses this pair and kind. Land the rates again as '
        end,
        substring(pair, 4, 3), ' for one ', substring(pair, 1, 3), ' if they are wrong.'
    ) as detail
from counted
