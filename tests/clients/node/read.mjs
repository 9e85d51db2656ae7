// Reads a published file with DuckDB for Node and prints what it found as JSON: node read.mjs FILE
import duckdb, { DuckDBInstance } from "@duckdb/node-api";

const instance = await DuckDBInstance.create(process.argv[2], { access_mode: "READ_ONLY" });
const connection = await instance.connect();
const rows = async (query) => (await connection.runAndReadAll(query)).getRowsJson();

const refused = await connection.run("delete from marts.fct_etf_daily").then(
  () => "",
  (error) => String(error.message).split("\n")[0],
);
const views = await rows("select view_name from duckdb_views() where schema_name = 'desk' order by 1");
const desk = {};
for (const [view] of views) {
  [[desk[view]]] = await rows(`select count(*)::integer from desk.${view}`);
}
const daily = await connection.runAndReadAll("select close, net_flow_cny, knowledge_at from marts.fct_etf_daily limit 1");
const [[count, flow]] = await rows("select count(*)::integer, sum(net_flow_cny) from marts.fct_etf_daily");
const [[comment]] = await rows(
  "select comment from duckdb_columns() where table_name = 'fct_etf_daily' and column_name = 'net_flow_cny'",
);
console.log(
  JSON.stringify({
    version: duckdb.version(),
    types: daily.columnTypes().map(String),
    rows: count,
    flow,
    comment,
    refused,
    desk,
  }),
);
