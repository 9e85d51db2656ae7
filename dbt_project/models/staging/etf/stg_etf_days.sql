-- Which days are known of which ETF: one row per version of what is known, since nobody asks for more than that.
{% for table, day in [('etf_bars', 'trade_date'), ('etf_nav', 'nav_date'), ('etf_shares', 'share_date'),
                      ('etf_quotes', 'cast(quote_ts as date)')] %}
    select
        etf_code,
        {{ day }} as known_day,
        '{{ table }}' as raw_table
    from ({{ known_versions(table) }}) as {{ table }}
    {% if not loop.last %}
        union all
    {% endif %}
{% endfor %}
