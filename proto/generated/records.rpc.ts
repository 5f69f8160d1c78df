// Generated from proto/records.proto by `npm run generate`. Do not edit.

import type { Rpc, Shape } from '../../functions/runtime/contract.ts';
import type * as types from './records.ts';

export const SideShape: Shape = {
  name: "records.Side",
  fields: [
    { name: "letter", json: "letter", kind: "string", lengthMax: 2 },
    { name: "grade", json: "grade", kind: "string", lengthMax: 32 },
  ],
};

export const MediumShape: Shape = {
  name: "records.Medium",
  fields: [
    { name: "index", json: "index", kind: "int32", valueMin: 0, valueMax: 100 },
    { name: "kind", json: "kind", kind: "enum", values: ["MEDIA_KIND_UNSPECIFIED", "VINYL", "CD", "CASSETTE", "OTHER"] },
    { name: "size_inch", json: "sizeInch", kind: "int32" },
    { name: "speed_rpm", json: "speedRpm", kind: "int32" },
    { name: "disc_grade", json: "discGrade", kind: "string", lengthMax: 32 },
    { name: "sides", json: "sides", kind: "message", repeated: true, message: () => SideShape, itemsMax: 26 },
  ],
};

export const RecordShape: Shape = {
  name: "records.Record",
  fields: [
    { name: "id", json: "id", kind: "string", outputOnly: true },
    { name: "user_id", json: "userId", kind: "string", caller: true, format: "uuid" },
    { name: "artist", json: "artist", kind: "string", optional: true, lengthMin: 1, lengthMax: 256 },
    { name: "name", json: "name", kind: "string", optional: true, lengthMin: 1, lengthMax: 256 },
    { name: "format", json: "format", kind: "string", optional: true, lengthMax: 256 },
    { name: "catalog_number", json: "catalogNumber", kind: "string", optional: true, lengthMax: 256 },
    { name: "record_grade", json: "recordGrade", kind: "string", optional: true, lengthMax: 32 },
    { name: "sleeve_grade", json: "sleeveGrade", kind: "string", optional: true, lengthMax: 32 },
    { name: "has_insert", json: "hasInsert", kind: "bool", optional: true },
    { name: "has_booklet", json: "hasBooklet", kind: "bool", optional: true },
    { name: "has_obi_strip", json: "hasObiStrip", kind: "bool", optional: true },
    { name: "has_factory_sleeve", json: "hasFactorySleeve", kind: "bool", optional: true },
    { name: "is_promo", json: "isPromo", kind: "bool", optional: true },
    { name: "notes", json: "notes", kind: "string", optional: true, lengthMax: 4096 },
    { name: "purchased_at", json: "purchasedAt", kind: "string", optional: true, lengthMax: 10, format: "date" },
    { name: "price_paid", json: "pricePaid", kind: "double", optional: true },
    { name: "created_at", json: "createdAt", kind: "string", outputOnly: true },
    { name: "updated_at", json: "updatedAt", kind: "string", outputOnly: true },
    { name: "price", json: "price", kind: "string", optional: true, lengthMax: 16, format: "decimal" },
    { name: "currency", json: "currency", kind: "string", optional: true, lengthMax: 3, format: "currency" },
    { name: "insert_grade", json: "insertGrade", kind: "string", optional: true, lengthMax: 32 },
    { name: "booklet_grade", json: "bookletGrade", kind: "string", optional: true, lengthMax: 32 },
    { name: "obi_strip_grade", json: "obiStripGrade", kind: "string", optional: true, lengthMax: 32 },
    { name: "factory_sleeve_grade", json: "factorySleeveGrade", kind: "string", optional: true, lengthMax: 32 },
    { name: "release_year", json: "releaseYear", kind: "int32", optional: true },
    { name: "release_date", json: "releaseDate", kind: "string", optional: true, lengthMax: 10, format: "date" },
    { name: "pressing_year", json: "pressingYear", kind: "int32", optional: true },
    { name: "label", json: "label", kind: "string", optional: true, lengthMax: 256 },
    { name: "label_code", json: "labelCode", kind: "string", optional: true, lengthMax: 256 },
    { name: "media", json: "media", kind: "message", repeated: true, message: () => MediumShape, itemsMax: 20 },
    { name: "aliases", json: "aliases", kind: "string", repeated: true, lengthMin: 1, lengthMax: 256, itemsMax: 50 },
    { name: "etag", json: "etag", kind: "string", outputOnly: true, header: "etag" },
    { name: "discogs_release_id", json: "discogsReleaseId", kind: "int32", optional: true, valueMin: 1 },
    { name: "collection_folder", json: "collectionFolder", kind: "string", optional: true, lengthMax: 256 },
    { name: "rating", json: "rating", kind: "int32", optional: true, valueMin: 0, valueMax: 5 },
    { name: "added_at", json: "addedAt", kind: "string", optional: true, lengthMax: 40, format: "date-time" },
    { name: "import_key", json: "importKey", kind: "string", optional: true, lengthMax: 256 },
  ],
};

export const SearchRecordsRequestShape: Shape = {
  name: "records.SearchRecordsRequest",
  fields: [
    { name: "user_id", json: "userId", kind: "string", caller: true, format: "uuid" },
    { name: "query", json: "query", kind: "string", lengthMax: 256, queryAlias: "q" },
    { name: "limit", json: "limit", kind: "int32", valueMin: 0 },
    { name: "offset", json: "offset", kind: "int32", valueMin: 0, valueMax: 1000000 },
    { name: "page_token", json: "pageToken", kind: "string", lengthMax: 1024 },
    { name: "artist", json: "artist", kind: "string", lengthMax: 256 },
    { name: "label", json: "label", kind: "string", lengthMax: 256 },
    { name: "format", json: "format", kind: "string", lengthMax: 256 },
    { name: "year_min", json: "yearMin", kind: "int32", valueMin: 0, valueMax: 9999 },
    { name: "year_max", json: "yearMax", kind: "int32", valueMin: 0, valueMax: 9999 },
    { name: "grade_min", json: "gradeMin", kind: "string", lengthMax: 32 },
    { name: "price_min", json: "priceMin", kind: "string", lengthMax: 16, format: "decimal" },
    { name: "price_max", json: "priceMax", kind: "string", lengthMax: 16, format: "decimal" },
    { name: "currency", json: "currency", kind: "string", lengthMax: 3, format: "currency" },
    { name: "order", json: "order", kind: "enum", values: ["SEARCH_ORDER_UNSPECIFIED", "RELEVANCE", "NEWEST", "OLDEST", "BY_ARTIST", "BY_YEAR", "BY_PRICE"] },
  ],
};

export const SearchRecordsResponseShape: Shape = {
  name: "records.SearchRecordsResponse",
  fields: [
    { name: "records", json: "records", kind: "message", repeated: true, message: () => RecordShape },
    { name: "total", json: "total", kind: "int32" },
    { name: "next_page_token", json: "nextPageToken", kind: "string" },
    { name: "total_is_lower_bound", json: "totalIsLowerBound", kind: "bool", optional: true },
  ],
};

export const GetRecordRequestShape: Shape = {
  name: "records.GetRecordRequest",
  fields: [
    { name: "record_id", json: "recordId", kind: "string", required: true, format: "uuid" },
    { name: "user_id", json: "userId", kind: "string", caller: true, format: "uuid" },
  ],
};

export const GetRecordResponseShape: Shape = {
  name: "records.GetRecordResponse",
  fields: [
    { name: "record", json: "record", kind: "message", message: () => RecordShape },
  ],
};

export const CreateRecordRequestShape: Shape = {
  name: "records.CreateRecordRequest",
  fields: [
    { name: "user_id", json: "userId", kind: "string", caller: true, format: "uuid" },
    { name: "record", json: "record", kind: "message", message: () => RecordShape, required: true },
    { name: "request_id", json: "requestId", kind: "string", lengthMax: 128, header: "idempotency-key" },
  ],
};

export const CreateRecordResponseShape: Shape = {
  name: "records.CreateRecordResponse",
  fields: [
    { name: "record", json: "record", kind: "message", message: () => RecordShape },
  ],
};

export const UpdateRecordRequestShape: Shape = {
  name: "records.UpdateRecordRequest",
  fields: [
    { name: "record_id", json: "recordId", kind: "string", required: true, format: "uuid" },
    { name: "user_id", json: "userId", kind: "string", caller: true, format: "uuid" },
    { name: "record", json: "record", kind: "message", message: () => RecordShape, required: true },
    { name: "update_mask", json: "updateMask", kind: "mask", itemsMax: 64 },
    { name: "etag", json: "etag", kind: "string", lengthMax: 64, header: "if-match" },
    { name: "request_id", json: "requestId", kind: "string", lengthMax: 128, header: "idempotency-key" },
  ],
};

export const UpdateRecordResponseShape: Shape = {
  name: "records.UpdateRecordResponse",
  fields: [
    { name: "record", json: "record", kind: "message", message: () => RecordShape },
  ],
};

export const DeleteRecordRequestShape: Shape = {
  name: "records.DeleteRecordRequest",
  fields: [
    { name: "record_id", json: "recordId", kind: "string", required: true, format: "uuid" },
    { name: "user_id", json: "userId", kind: "string", caller: true, format: "uuid" },
    { name: "etag", json: "etag", kind: "string", lengthMax: 64, header: "if-match" },
    { name: "request_id", json: "requestId", kind: "string", lengthMax: 128, header: "idempotency-key" },
  ],
};

export const DeleteRecordResponseShape: Shape = {
  name: "records.DeleteRecordResponse",
  fields: [
    { name: "success", json: "success", kind: "bool" },
  ],
};

export const ImportRecordsRequestShape: Shape = {
  name: "records.ImportRecordsRequest",
  fields: [
    { name: "user_id", json: "userId", kind: "string", caller: true, format: "uuid" },
    { name: "content", json: "content", kind: "bytes" },
    { name: "format", json: "format", kind: "enum", values: ["FILE_FORMAT_UNSPECIFIED", "CSV", "JSON_LINES"], mediaTypes: ["", "text/csv", "application/x-ndjson"], extensions: ["", "csv", "jsonl"], header: "content-type" },
  ],
};

export const ImportRecordsResponseShape: Shape = {
  name: "records.ImportRecordsResponse",
  fields: [
    { name: "fault", json: "fault", kind: "message", message: () => ImportFaultShape },
    { name: "progress", json: "progress", kind: "message", message: () => ImportCountsShape },
    { name: "totals", json: "totals", kind: "message", message: () => ImportCountsShape },
  ],
};

export const ImportFaultShape: Shape = {
  name: "records.ImportFault",
  fields: [
    { name: "line", json: "line", kind: "int32" },
    { name: "column", json: "column", kind: "string" },
    { name: "reason", json: "reason", kind: "string" },
    { name: "says", json: "says", kind: "string" },
  ],
};

export const ImportCountsShape: Shape = {
  name: "records.ImportCounts",
  fields: [
    { name: "rows", json: "rows", kind: "int32" },
    { name: "created", json: "created", kind: "int32" },
    { name: "unchanged", json: "unchanged", kind: "int32" },
    { name: "faulty", json: "faulty", kind: "int32" },
    { name: "bytes", json: "bytes", kind: "int32" },
  ],
};

export const ExportRecordsRequestShape: Shape = {
  name: "records.ExportRecordsRequest",
  fields: [
    { name: "user_id", json: "userId", kind: "string", caller: true, format: "uuid" },
    { name: "format", json: "format", kind: "enum", values: ["FILE_FORMAT_UNSPECIFIED", "CSV", "JSON_LINES"], mediaTypes: ["", "text/csv", "application/x-ndjson"], extensions: ["", "csv", "jsonl"], header: "accept" },
  ],
};

export const ExportRecordsResponseShape: Shape = {
  name: "records.ExportRecordsResponse",
  fields: [
    { name: "content", json: "content", kind: "bytes" },
  ],
};

export const HealthCheckRequestShape: Shape = {
  name: "records.HealthCheckRequest",
  fields: [],
};

export const HealthCheckResponseShape: Shape = {
  name: "records.HealthCheckResponse",
  fields: [
    { name: "healthy", json: "healthy", kind: "bool" },
    { name: "version", json: "version", kind: "string" },
  ],
};

export const AutocompleteRequestShape: Shape = {
  name: "records.AutocompleteRequest",
  fields: [
    { name: "user_id", json: "userId", kind: "string", caller: true, format: "uuid" },
    { name: "field", json: "field", kind: "enum", values: ["AUTOCOMPLETE_FIELD_UNSPECIFIED", "ARTIST", "LABEL", "CATALOG_NUMBER"] },
    { name: "prefix", json: "prefix", kind: "string", lengthMax: 256 },
    { name: "limit", json: "limit", kind: "int32", valueMin: 0 },
  ],
};

export const AutocompleteResponseShape: Shape = {
  name: "records.AutocompleteResponse",
  fields: [
    { name: "values", json: "values", kind: "string", repeated: true },
  ],
};

export const GetFacetsRequestShape: Shape = {
  name: "records.GetFacetsRequest",
  fields: [
    { name: "user_id", json: "userId", kind: "string", caller: true, format: "uuid" },
    { name: "query", json: "query", kind: "string", lengthMax: 256, queryAlias: "q" },
    { name: "artist", json: "artist", kind: "string", lengthMax: 256 },
    { name: "label", json: "label", kind: "string", lengthMax: 256 },
    { name: "format", json: "format", kind: "string", lengthMax: 256 },
    { name: "year_min", json: "yearMin", kind: "int32", valueMin: 0, valueMax: 9999 },
    { name: "year_max", json: "yearMax", kind: "int32", valueMin: 0, valueMax: 9999 },
    { name: "grade_min", json: "gradeMin", kind: "string", lengthMax: 32 },
    { name: "price_min", json: "priceMin", kind: "string", lengthMax: 16, format: "decimal" },
    { name: "price_max", json: "priceMax", kind: "string", lengthMax: 16, format: "decimal" },
    { name: "currency", json: "currency", kind: "string", lengthMax: 3, format: "currency" },
    { name: "limit", json: "limit", kind: "int32", valueMin: 0 },
  ],
};

export const FacetValueShape: Shape = {
  name: "records.FacetValue",
  fields: [
    { name: "value", json: "value", kind: "string" },
    { name: "count", json: "count", kind: "int32" },
  ],
};

export const FacetDecadeShape: Shape = {
  name: "records.FacetDecade",
  fields: [
    { name: "decade", json: "decade", kind: "int32" },
    { name: "count", json: "count", kind: "int32" },
  ],
};

export const GetFacetsResponseShape: Shape = {
  name: "records.GetFacetsResponse",
  fields: [
    { name: "formats", json: "formats", kind: "message", repeated: true, message: () => FacetValueShape },
    { name: "labels", json: "labels", kind: "message", repeated: true, message: () => FacetValueShape },
    { name: "decades", json: "decades", kind: "message", repeated: true, message: () => FacetDecadeShape },
    { name: "counts_are_lower_bounds", json: "countsAreLowerBounds", kind: "bool" },
  ],
};

export const GetPriceStatsRequestShape: Shape = {
  name: "records.GetPriceStatsRequest",
  fields: [
    { name: "user_id", json: "userId", kind: "string", caller: true, format: "uuid" },
    { name: "query", json: "query", kind: "string", lengthMax: 256, queryAlias: "q" },
    { name: "artist", json: "artist", kind: "string", lengthMax: 256 },
    { name: "label", json: "label", kind: "string", lengthMax: 256 },
    { name: "format", json: "format", kind: "string", lengthMax: 256 },
    { name: "year_min", json: "yearMin", kind: "int32", valueMin: 0, valueMax: 9999 },
    { name: "year_max", json: "yearMax", kind: "int32", valueMin: 0, valueMax: 9999 },
    { name: "grade_min", json: "gradeMin", kind: "string", lengthMax: 32 },
    { name: "price_min", json: "priceMin", kind: "string", lengthMax: 16, format: "decimal" },
    { name: "price_max", json: "priceMax", kind: "string", lengthMax: 16, format: "decimal" },
    { name: "currency", json: "currency", kind: "string", lengthMax: 3, format: "currency" },
  ],
};

export const PriceStatsShape: Shape = {
  name: "records.PriceStats",
  fields: [
    { name: "currency", json: "currency", kind: "string", optional: true },
    { name: "count", json: "count", kind: "int32" },
    { name: "min", json: "min", kind: "string" },
    { name: "median", json: "median", kind: "string" },
    { name: "mean", json: "mean", kind: "string" },
    { name: "p90", json: "p90", kind: "string" },
    { name: "max", json: "max", kind: "string" },
    { name: "sum", json: "sum", kind: "string" },
  ],
};

export const GetPriceStatsResponseShape: Shape = {
  name: "records.GetPriceStatsResponse",
  fields: [
    { name: "stats", json: "stats", kind: "message", repeated: true, message: () => PriceStatsShape },
    { name: "without_price", json: "withoutPrice", kind: "int32" },
    { name: "counts_are_lower_bounds", json: "countsAreLowerBounds", kind: "bool" },
  ],
};

export const ListRecentRequestShape: Shape = {
  name: "records.ListRecentRequest",
  fields: [
    { name: "user_id", json: "userId", kind: "string", caller: true, format: "uuid" },
    { name: "limit", json: "limit", kind: "int32", valueMin: 0 },
  ],
};

export const ListRecentResponseShape: Shape = {
  name: "records.ListRecentResponse",
  fields: [
    { name: "records", json: "records", kind: "message", repeated: true, message: () => RecordShape },
  ],
};

export const SearchRecords: Rpc<types.SearchRecordsRequest, types.SearchRecordsResponse> = {
  name: "SearchRecords",
  service: "records.RecordsService",
  path: "/records.RecordsService/SearchRecords",
  functionName: "records-search-records",
  access: "CALLER",
  successStatus: 200,
  idempotency: "NO_SIDE_EFFECTS",
  clientStreaming: false,
  serverStreaming: false,
  http: [{ method: "GET", path: "/api/records" }],
  request: SearchRecordsRequestShape,
  response: SearchRecordsResponseShape,
  codecs: () => import('./codecs/records-search-records.ts'),
};

export const Autocomplete: Rpc<types.AutocompleteRequest, types.AutocompleteResponse> = {
  name: "Autocomplete",
  service: "records.RecordsService",
  path: "/records.RecordsService/Autocomplete",
  functionName: "records-autocomplete",
  access: "CALLER",
  successStatus: 200,
  idempotency: "NO_SIDE_EFFECTS",
  clientStreaming: false,
  serverStreaming: false,
  http: [{ method: "GET", path: "/api/records:autocomplete" }],
  request: AutocompleteRequestShape,
  response: AutocompleteResponseShape,
  codecs: () => import('./codecs/records-autocomplete.ts'),
};

export const GetFacets: Rpc<types.GetFacetsRequest, types.GetFacetsResponse> = {
  name: "GetFacets",
  service: "records.RecordsService",
  path: "/records.RecordsService/GetFacets",
  functionName: "records-get-facets",
  access: "CALLER",
  successStatus: 200,
  idempotency: "NO_SIDE_EFFECTS",
  clientStreaming: false,
  serverStreaming: false,
  http: [{ method: "GET", path: "/api/records:facets" }],
  request: GetFacetsRequestShape,
  response: GetFacetsResponseShape,
  codecs: () => import('./codecs/records-get-facets.ts'),
};

export const GetPriceStats: Rpc<types.GetPriceStatsRequest, types.GetPriceStatsResponse> = {
  name: "GetPriceStats",
  service: "records.RecordsService",
  path: "/records.RecordsService/GetPriceStats",
  functionName: "records-get-price-stats",
  access: "CALLER",
  successStatus: 200,
  idempotency: "NO_SIDE_EFFECTS",
  clientStreaming: false,
  serverStreaming: false,
  http: [{ method: "GET", path: "/api/records:priceStats" }],
  request: GetPriceStatsRequestShape,
  response: GetPriceStatsResponseShape,
  codecs: () => import('./codecs/records-get-price-stats.ts'),
};

export const ListRecent: Rpc<types.ListRecentRequest, types.ListRecentResponse> = {
  name: "ListRecent",
  service: "records.RecordsService",
  path: "/records.RecordsService/ListRecent",
  functionName: "records-list-recent",
  access: "CALLER",
  successStatus: 200,
  idempotency: "NO_SIDE_EFFECTS",
  clientStreaming: false,
  serverStreaming: false,
  http: [{ method: "GET", path: "/api/records:recent" }],
  request: ListRecentRequestShape,
  response: ListRecentResponseShape,
  codecs: () => import('./codecs/records-list-recent.ts'),
};

export const GetRecord: Rpc<types.GetRecordRequest, types.GetRecordResponse> = {
  name: "GetRecord",
  service: "records.RecordsService",
  path: "/records.RecordsService/GetRecord",
  functionName: "records-get-record",
  access: "CALLER",
  successStatus: 200,
  idempotency: "NO_SIDE_EFFECTS",
  clientStreaming: false,
  serverStreaming: false,
  http: [{ method: "GET", path: "/api/records/{record_id}", responseBody: "record" }],
  request: GetRecordRequestShape,
  response: GetRecordResponseShape,
  codecs: () => import('./codecs/records-get-record.ts'),
};

export const CreateRecord: Rpc<types.CreateRecordRequest, types.CreateRecordResponse> = {
  name: "CreateRecord",
  service: "records.RecordsService",
  path: "/records.RecordsService/CreateRecord",
  functionName: "records-create-record",
  access: "CALLER",
  successStatus: 201,
  idempotency: "UNKNOWN",
  clientStreaming: false,
  serverStreaming: false,
  http: [{ method: "POST", path: "/api/records", body: "record", responseBody: "record" }],
  request: CreateRecordRequestShape,
  response: CreateRecordResponseShape,
  codecs: () => import('./codecs/records-create-record.ts'),
};

export const UpdateRecord: Rpc<types.UpdateRecordRequest, types.UpdateRecordResponse> = {
  name: "UpdateRecord",
  service: "records.RecordsService",
  path: "/records.RecordsService/UpdateRecord",
  functionName: "records-update-record",
  access: "CALLER",
  successStatus: 200,
  idempotency: "IDEMPOTENT",
  clientStreaming: false,
  serverStreaming: false,
  http: [{ method: "PUT", path: "/api/records/{record_id}", body: "record", responseBody: "record" }, { method: "PATCH", path: "/api/records/{record_id}", body: "record", responseBody: "record" }],
  request: UpdateRecordRequestShape,
  response: UpdateRecordResponseShape,
  codecs: () => import('./codecs/records-update-record.ts'),
};

export const DeleteRecord: Rpc<types.DeleteRecordRequest, types.DeleteRecordResponse> = {
  name: "DeleteRecord",
  service: "records.RecordsService",
  path: "/records.RecordsService/DeleteRecord",
  functionName: "records-delete-record",
  access: "CALLER",
  successStatus: 204,
  idempotency: "IDEMPOTENT",
  clientStreaming: false,
  serverStreaming: false,
  http: [{ method: "DELETE", path: "/api/records/{record_id}" }],
  request: DeleteRecordRequestShape,
  response: DeleteRecordResponseShape,
  codecs: () => import('./codecs/records-delete-record.ts'),
};

export const ImportRecords: Rpc<types.ImportRecordsRequest, types.ImportRecordsResponse> = {
  name: "ImportRecords",
  service: "records.RecordsService",
  path: "/records.RecordsService/ImportRecords",
  functionName: "records-import-records",
  access: "CALLER",
  successStatus: 200,
  idempotency: "IDEMPOTENT",
  clientStreaming: true,
  serverStreaming: true,
  http: [{ method: "POST", path: "/api/records:import", body: "content" }],
  request: ImportRecordsRequestShape,
  response: ImportRecordsResponseShape,
  codecs: () => import('./codecs/records-import-records.ts'),
};

export const ExportRecords: Rpc<types.ExportRecordsRequest, types.ExportRecordsResponse> = {
  name: "ExportRecords",
  service: "records.RecordsService",
  path: "/records.RecordsService/ExportRecords",
  functionName: "records-export-records",
  access: "CALLER",
  successStatus: 200,
  idempotency: "NO_SIDE_EFFECTS",
  clientStreaming: false,
  serverStreaming: true,
  attachment: "records",
  http: [{ method: "GET", path: "/api/records:export", responseBody: "content" }],
  request: ExportRecordsRequestShape,
  response: ExportRecordsResponseShape,
  codecs: () => import('./codecs/records-export-records.ts'),
};

export const HealthCheck: Rpc<types.HealthCheckRequest, types.HealthCheckResponse> = {
  name: "HealthCheck",
  service: "records.RecordsService",
  path: "/records.RecordsService/HealthCheck",
  functionName: "records-health-check",
  access: "PUBLIC",
  successStatus: 200,
  idempotency: "NO_SIDE_EFFECTS",
  clientStreaming: false,
  serverStreaming: false,
  http: [{ method: "GET", path: "/api/records/healthz" }],
  request: HealthCheckRequestShape,
  response: HealthCheckResponseShape,
  codecs: () => import('./codecs/records-health-check.ts'),
};

/** Every rpc of the package, in the order of its file. */
export const recordsRpcs = [SearchRecords, Autocomplete, GetFacets, GetPriceStats, ListRecent, GetRecord, CreateRecord, UpdateRecord, DeleteRecord, ImportRecords, ExportRecords, HealthCheck] as const;
