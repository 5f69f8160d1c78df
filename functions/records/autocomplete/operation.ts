import type { AutocompleteRequest, AutocompleteResponse } from '../../../proto/generated/records.ts';
import type { Tools } from '../../runtime/define-function.ts';
import { Faults } from '../faults.ts';
import type { autocompleteQueries } from './queries.ts';

const LIMIT_DEFAULT = 10;
const LIMIT_MAX = 50;

/** Artists, labels or catalog numbers of the caller's that begin with a prefix, in alphabetical order, each once. @throws Refusal INVALID_FIELDS */
export async function autocomplete(
  { field, prefix, limit }: AutocompleteRequest,
  { queries, caller }: Tools<ReturnType<typeof autocompleteQueries>, unknown>,
): Promise<AutocompleteResponse> {
  const faults = new Faults();
  if (field === 'AUTOCOMPLETE_FIELD_UNSPECIFIED') faults.add(['field'], 'REQUIRED', 'Is required.');
  faults.refuse();
  return { values: await queries.autocomplete(caller, field, prefix, Math.min(limit === 0 ? LIMIT_DEFAULT : limit, LIMIT_MAX)) };
}
