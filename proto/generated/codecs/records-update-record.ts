// Generated from proto/records.proto by `npm run generate`. Do not edit.

export { UpdateRecordRequest as request, UpdateRecordResponse as response } from '../records.ts';
