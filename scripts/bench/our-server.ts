import { defineFunction } from '../../functions/runtime/define-function.ts';
import { main } from '../../functions/runtime/serve.ts';
import { GetRecord } from '../../proto/generated/records.rpc.ts';
import { sampleRecord } from './sample-record.ts';

/**
 * The runtime as it is in production, around an operation that costs nothing: the caller is verified, the request
 * decoded and checked, the line logged. Only the statement is missing.
 */
await main(defineFunction({ rpc: GetRecord, operation: () => ({ record: sampleRecord }) }));
