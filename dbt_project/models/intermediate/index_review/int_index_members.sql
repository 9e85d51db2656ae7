-- What an index has ever held.
select distinct security_code
from {{ ref('stg_index_weights') }}
