// Generated from proto/*.proto by `npm run generate`. Do not edit.

import type { Rpc } from '../../functions/runtime/contract.ts';
import { authRpcs } from './auth.rpc.ts';
import { recordsRpcs } from './records.rpc.ts';

/** Every rpc of the contract. */
// biome-ignore lint/suspicious/noExplicitAny: rpcs of every type
export const rpcs: readonly Rpc<any, any>[] = [...authRpcs, ...recordsRpcs];
