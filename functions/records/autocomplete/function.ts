import { Autocomplete } from '../../../proto/generated/records.rpc.ts';
import { defineFunction } from '../../runtime/define-function.ts';
import { autocomplete } from './operation.ts';
import { autocompleteQueries } from './queries.ts';

export default defineFunction({
  rpc: Autocomplete,
  operation: autocomplete,
  queries: autocompleteQueries,
  // Asked at each key that is pressed: an answer that is late is worth nothing.
  limits: { timeoutSeconds: 5, bodyBytesMax: 4 * 1024 },
});
