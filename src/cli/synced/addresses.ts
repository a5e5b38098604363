/** Hosts with or without ports, as in `db1,db2:9042`, and nothing that could be a path. */
const hosts = /^(?:\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)(?::\d+)?(?:,(?:\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)(?::\d+)?)*$/i;
/** Endpoints of these kinds name hosts, and may leave out what of them is meant. */
const schemes = /^(?:cassandra|elasticsearch|opensearch):\/\//i;

/** The endpoint for a keyspace or an index at an address: hosts, an endpoint that leaves it out, or an endpoint of another kind as it is. */
export function endpointOf(kind: 'cassandra' | 'elasticsearch', address: string, name: string, query: { readonly [option: string]: string }): string {
  const endpoint = hosts.test(address) ? `${kind}://${address}` : address;
  if (!schemes.test(endpoint)) return address;
  const [, place = '', given = ''] = /^([^?]*)(\?.*)?$/s.exec(endpoint) ?? [];
  const whole = /:\/\/[^/]+\/./.test(place) ? place : `${place.replace(/\/$/, '')}/${encodeURIComponent(name)}`;
  const options = new URLSearchParams({ ...query, ...Object.fromEntries(new URLSearchParams(given)) });
  return `${whole}?${options.toString()}`;
}
