/** What somebody was about to do who may not. `compare`: to read two databases side by side, of which either may have refused. */
export type Wanted = 'read' | 'compare' | 'put' | 'delete' | 'create' | 'swap';

/** The privileges that each of these takes, as SQL names them. */
export const privileges: { readonly [wanted in Wanted]: string } = { read: 'SELECT', compare: 'SELECT', put: 'SELECT, INSERT, UPDATE', delete: 'SELECT, DELETE', create: 'CREATE', swap: 'SELECT, INSERT, CREATE, ALTER, DROP, LOCK TABLES' };

/** What to do about a right that is missing, by the statement that gives it. */
export function grantHint(wanted: Wanted, grant: string): string {
  const others = 'choose other tables with collections=, ';
  const otherwise: { readonly [wanted in Wanted]: string } = { read: others, compare: others, put: '', delete: '', create: 'make the tables there yourself, ', swap: 'run without --swap, ' };
  return `have it granted (${grant}), ${otherwise[wanted]}or connect as another user`;
}
