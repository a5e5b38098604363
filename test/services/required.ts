// Where services are required, as in CI, one that cannot be run is a failure of every file that asks for it.

/**
 * Throws why a service cannot be run, where services are required. It does not make a test of it: one that is there before a file
 * has waited for its other services would be taken for all of its tests, and the process ended when it is done.
 */
export function failWhereRequired(service: string, missing: string | undefined): void {
  if (missing !== undefined && process.env['SYNCLINE_REQUIRE_SERVICES'] === '1') throw new Error(`${service} cannot be run, and services are required: ${missing}`);
}
