// Generated from proto/records.proto by `npm run generate`. Do not edit.

export { ExportRecordsRequest as request, ExportRecordsResponse as response } from '../records.ts';
