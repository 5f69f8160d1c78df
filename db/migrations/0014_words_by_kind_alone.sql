-- without transaction

-- Nothing reads them since 0013.
-- contract: 0.1.0 no longer reads it
drop index concurrently if exists records.words_part_1;
-- contract: 0.1.0 no longer reads it
drop index concurrently if exists records.words_part_2;
-- contract: 0.1.0 no longer reads it
drop index concurrently if exists records.words_part_3;
