// Generated from proto/records.proto by `npm run generate`. Do not edit.

export { GetFacetsRequest as request, GetFacetsResponse as response } from '../records.ts';
