/** Some values under one name, in the text format of Prometheus, version 0.0.4. */
export interface Metric {
  /** Letters, digits and underscores; of a counter it ends in `_total`. */
  readonly name: string;
  readonly kind: 'counter' | 'gauge';
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** One value, told from others of its name by labels. */
export interface Sample {
  readonly labels?: { readonly [name: string]: string };
  readonly value: number;
}

/** The media type of {@link prometheusText}. */
export const prometheusType = 'text/plain; version=0.0.4; charset=utf-8';

/** Metrics as a Prometheus server reads them. */
export function prometheusText(metrics: readonly Metric[]): string {
  return metrics.map(({ name, kind, help, samples }) => [
    `# HELP ${name} ${escaped(help)}`, `# TYPE ${name} ${kind}`,
    ...samples.map(({ labels = {}, value }) => `${name}${labelled(labels)} ${number(value)}`),
  ].map((line) => `${line}\n`).join('')).join('');
}

function labelled(labels: NonNullable<Sample['labels']>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value).replaceAll('"', '\\"')}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function number(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}
