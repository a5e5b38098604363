import type { ExampleResource } from './resources.ts';

// The trams and ferries of a small harbour town. A stop belongs to a line, a departure to a stop: nobody can add a stop
// to a line that is not there yet, which is what makes the order of writing matter.

const lines: readonly ExampleResource[] = [
  { type: 'line', id: 'T1', fields: { name: 'Market – Lighthouse', mode: 'tram', colour: '#c0392b', stepFree: true } },
  { type: 'line', id: 'T2', fields: { name: 'Station – Old Shipyard', mode: 'tram', colour: '#2980b9', stepFree: true } },
  { type: 'line', id: 'F1', fields: { name: 'Harbour ferry', mode: 'ferry', colour: '#16a085', stepFree: false, season: { from: '04-01', to: '10-31' } } },
];

const stops: readonly ExampleResource[] = [
  stop('market-square', 'T1', 'Market Square', [54.3233, 10.1394], ['shelter', 'tickets']),
  stop('town-hall', 'T1', 'Town Hall', [54.3240, 10.1341], ['shelter']),
  stop('fish-market', 'T1', 'Fish Market', [54.3302, 10.1456], ['shelter', 'lift']),
  stop('dune-road', 'T1', 'Dune Road', [54.3391, 10.1522], []),
  stop('lighthouse', 'T1', 'Lighthouse', [54.3458, 10.1603], ['shelter', 'tickets', 'café']),
  stop('station', 'T2', 'Central Station', [54.3149, 10.1318], ['shelter', 'tickets', 'lift']),
  stop('library', 'T2', 'City Library', [54.3188, 10.1287], ['shelter']),
  stop('rope-works', 'T2', 'Rope Works', [54.3122, 10.1469], []),
  stop('old-shipyard', 'T2', 'Old Shipyard', [54.3075, 10.1602], ['shelter']),
  stop('pier-1', 'F1', 'Pier 1', [54.3296, 10.1498], ['tickets']),
  stop('west-bank', 'F1', 'West Bank', [54.3312, 10.1711], []),
  stop('seal-island', 'F1', 'Seal Island', [54.3520, 10.1837], ['café']),
];

/** Forty resources: three lines, twelve stops, and the first departures of the day from each. */
export const townTransport: readonly ExampleResource[] = [
  ...lines,
  ...stops,
  ...stops.flatMap(({ id }, i) => {
    const firstMinute = 5 * 60 + 12 + i * 3;
    const count = i === 0 ? 3 : 2;
    return Array.from({ length: count }, (_, n) => departure(`${id}-${n + 1}`, id, firstMinute + n * 20, n === 0 ? 'daily' : 'weekdays'));
  }),
];

function stop(id: string, line: string, name: string, position: readonly number[], facilities: readonly string[]): ExampleResource {
  return { type: 'stop', id, parents: { line: `line/${line}` }, fields: { name, position: { latitude: position[0], longitude: position[1] }, facilities } };
}

function departure(id: string, at: string, minute: number, runs: string): ExampleResource {
  const time = `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
  return { type: 'departure', id, parents: { stop: `stop/${at}` }, fields: { time, runs, platform: null } };
}
