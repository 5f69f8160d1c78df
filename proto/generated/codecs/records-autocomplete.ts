// Generated from proto/records.proto by `npm run generate`. Do not edit.

export { AutocompleteRequest as request, AutocompleteResponse as response } from '../records.ts';
