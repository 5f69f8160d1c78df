// Generated from proto/records.proto by `npm run generate`. Do not edit.

export { ImportRecordsRequest as request, ImportRecordsResponse as response } from '../records.ts';
