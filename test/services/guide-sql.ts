import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The statements that the guide on deletions gives for a database, as they are written there. */
export function guideSql(database: 'PostgreSQL' | 'MariaDB' | 'SQLite'): string {
  const guide = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'guides', 'deletions.md'), 'utf8');
  const found = [...guide.matchAll(/^```sql\n-- ([^\n]*)\n([\s\S]*?)^```$/gm)].find(([, title]) => title!.startsWith(database));
  if (!found) throw new Error(`the guide says nothing of ${database}`);
  return found[2]!;
}
