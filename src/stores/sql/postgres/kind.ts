import type { StoreKind } from '../../../model/kind.ts'; export const kind: StoreKind = null as never;
