-- without transaction

-- Nine of ten words of a large account are catalog numbers, which a word of letters hardly ever stands for. Beside the others of their kind nobody
-- who mistypes a name has to read them.
create index concurrently if not exists words_near_1 on records.words (user_id, mixed, part_1);
create index concurrently if not exists words_near_2 on records.words (user_id, mixed, part_2);
create index concurrently if not exists words_near_3 on records.words (user_id, mixed, part_3);
