// Generated from proto/records.proto by `npm run generate`. Do not edit.

export { SearchRecordsRequest as request, SearchRecordsResponse as response } from '../records.ts';
