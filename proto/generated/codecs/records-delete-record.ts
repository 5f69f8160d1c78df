// Generated from proto/records.proto by `npm run generate`. Do not edit.

export { DeleteRecordRequest as request, DeleteRecordResponse as response } from '../records.ts';
