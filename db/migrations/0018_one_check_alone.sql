alter table records.records validate constraint records_whole;

-- contract: 0.1.0 finds all of them in records_whole
alter table records.records
  drop constraint records_added_at_check, drop constraint records_aliases_check, drop constraint records_artist_check,
  drop constraint records_catalog_number_check, drop constraint records_collection_folder_check, drop constraint records_currency_check,
  drop constraint records_discogs_release_id_check, drop constraint records_format_check, drop constraint records_import_key_check,
  drop constraint records_label_check, drop constraint records_label_code_check, drop constraint records_media_check,
  drop constraint records_name_check, drop constraint records_notes_check, drop constraint records_pressing_year_check,
  drop constraint records_price_check, drop constraint records_purchased_at_check, drop constraint records_rating_check,
  drop constraint records_release_date_check, drop constraint records_release_year_check;
