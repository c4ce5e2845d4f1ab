import { Migration } from "@mikro-orm/migrations"

/**
 * The words of tracks in a table of their own: to rank what a common word finds, a search reads tens of thousands of them,
 * and beside all else that is known of a track they take three times as many pages.
 */
export class TrackWords extends Migration {
  override up(): void {
    this.addSql(`create table track_words (
      id uuid not null primary key,
      words tsvector not null,
      constraint track_words_id_foreign foreign key (id) references track (id) on delete cascade
    )`)
    this.addSql(`insert into track_words (id, words) select id, search from track`)
    this.addSql(`create index track_words_index on track_words using gin (words) with (fastupdate = off)`)

    this.addSql(`drop trigger track_learn on track`)
    this.addSql(`alter table track drop column search`)
    this.addSql(learning("words"))
    this.addSql(`create trigger track_words_learn after insert or update on track_words for each row execute function search_learn()`)
    this.addSql(`create function track_spell() returns trigger language plpgsql as $$
      begin
        insert into track_words (id, words)
        values (new.id, track_search(new.title, new.artist, new.album, new.album_artist, new.genres, new.tags))
        on conflict (id) do update set words = excluded.words where track_words.words <> excluded.words;
        return null;
      end $$`)
    this.addSql(`create trigger track_spell after insert or update of title, artist, album, album_artist, genres, tags on track
      for each row execute function track_spell()`)
    // Whoever migrates a full library searches it before the database has looked at the new table by itself.
    this.addSql(`analyze track_words`)
  }

  override down(): void {
    this.addSql(`drop trigger track_spell on track`)
    this.addSql(`drop function track_spell`)
    this.addSql(`drop table track_words`)
    this.addSql(learning("search"))
    this.addSql(`alter table track
      add column search tsvector generated always as (track_search(title, artist, album, album_artist, genres, tags)) stored`)
    this.addSql(`create index track_search_index on track using gin (search) with (fastupdate = off)`)
    this.addSql(`create trigger track_learn after insert or update of title, artist, album, album_artist, genres, tags on track
      for each row execute function search_learn()`)
  }
}

/** The function of 0004, which reads its words from a column of another name. */
const learning = (column: string): string => `create or replace function search_learn() returns trigger language plpgsql as $$
  begin
    insert into search_gram (gram, length, word)
    select gram, char_length(met), met
    from unnest(tsvector_to_array(new.${column})) as met, unnest(search_grams(met)) as gram
    where char_length(met) between 3 and 40
      and not exists (select 1 from search_gram known where known.gram = '  ' || left(met, 1) and known.length = char_length(met) and known.word = met)
    order by 1, 2, 3
    on conflict do nothing;
    return null;
  end $$`
