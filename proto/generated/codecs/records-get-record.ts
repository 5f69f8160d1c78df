// Generated from proto/records.proto by `npm run generate`. Do not edit.

export { GetRecordRequest as request, GetRecordResponse as response } from '../records.ts';
