// Generated from proto/records.proto by `npm run generate`. Do not edit.

export { CreateRecordRequest as request, CreateRecordResponse as response } from '../records.ts';
