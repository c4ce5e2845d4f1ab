import { Migration } from "@mikro-orm/migrations"

// Nothing here depends on a database's locale or on an extension: an operator need not be allowed to create any, and a
// text is folded, split and ordered alike everywhere.

/** Upper and lower case where `lower` knows only ASCII, as it does in the locale C; and letters that Unicode does not take apart. */
const upper = "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣςΤΥΦΧΨΩАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЂЄЅІЈЉЊЋЏҐԱԲԳԴԵԶԷԸԹԺԻԼԽԾԿՀՁՂՃՄՅՆՇՈՉՊՋՌՍՎՏՐՑՒՓՔՕՖØøŁłĐđÐðĦħıŦŧÆŒÞẞ"
const lower = "αβγδεζηθικλμνξοπρσστυφχψωабвгдежзийклмнопрстуфхцчшщъыьэюяђєѕіјљњћџґաբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆoollddddhhittæœþß"

/** What is not part of any word: all ASCII but letters and digits, and the punctuation of other scripts. */
const betweenWords = String.raw`[\u0001-\u002f\u003a-\u0060\u007b-\u00bf\u00d7\u00f7\u060c\u061b\u061f\u0964\u0965\u2000-\u206f\u3000-\u3003\u3005-\u303f\ufe00-\ufe0f]+`
/** Scripts that are written without spaces, in which each character is found by itself. */
const ideographs = String.raw`([\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])`

/** Search by words and their beginnings, forgiving typos; the orders of lists of tracks; what people have changed of one; announcements of changes. */
export class FindingTracks extends Migration {
  override up(): void {
    this.addSql(`create function search_fold(value text) returns text
      language sql immutable strict parallel safe
      return replace(replace(replace(replace(
        translate(lower(normalize(regexp_replace(normalize(value, nfkd), '[\\u0300-\\u036f]', '', 'g'), nfc)), '${upper}', '${lower}'),
        'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th')`)
    this.addSql(`create function search_words(value text) returns text[]
      language sql immutable strict parallel safe
      return array(
        select left(word, 50) from unnest(string_to_array(regexp_replace(regexp_replace(
          translate(search_fold(value), '''’‘ʼ′', ''),
          '${ideographs}', ' \\1 ', 'g'), '${betweenWords}', ' ', 'g'), ' ')) with ordinality as split (word, place)
        where word <> '' order by place)`)
    // Written out and cast, because the parser of to_tsvector finds file names, addresses and numbers where people see words.
    this.addSql(`create function search_vector(value text, weight text) returns tsvector
      language sql immutable parallel safe
      return coalesce((
        select string_agg('''' || word || ''':' || least(place, 16000) || weight, ' ')
        from unnest(search_words(value)) with ordinality as words (word, place)), '')::tsvector`)
    this.addSql(`create function track_search(title text, artist text, album text, album_artist text, genres text[], tags text[]) returns tsvector
      language sql immutable parallel safe
      return search_vector(title, 'A') || search_vector(concat_ws(' ', artist, album_artist), 'B') || search_vector(album, 'C')
        || search_vector(array_to_string(genres || tags, ' '), 'D')`)
    this.addSql(`create function search_query(value text, prefix boolean) returns tsquery
      language sql immutable strict parallel safe
      return coalesce((
        select string_agg('''' || word || '''' || case when prefix and place = of and char_length(word) > 1 then ':*' else '' end, ' & ')
        from (select word, place, count(*) over () as of from unnest((search_words(value))[1:16]) with ordinality as split (word, place)) as words), '')::tsquery`)

    this.addSql(`alter table track
      add column edited text[] not null default '{}',
      add column search tsvector generated always as (track_search(title, artist, album, album_artist, genres, tags)) stored,
      add column sort_title text collate "C" generated always as ("left"(search_fold(title), 200)) stored,
      add column sort_artist text collate "C" generated always as ("left"(search_fold(artist), 200)) stored,
      add column sort_album text collate "C" generated always as ("left"(search_fold(album), 200)) stored`)
    // Without a list of pending entries, which the next search would read from end to end.
    this.addSql(`create index track_search_index on track using gin (search) with (fastupdate = off)`)
    this.addSql(`create index track_title_index on track (sort_title, id)`)
    this.addSql(`create index track_artist_index on track (sort_artist, id)`)
    this.addSql(`create index track_album_index on track (sort_album, id)`)
    this.addSql(`create index track_year_index on track (year, id)`)
    this.addSql(`create index track_duration_index on track (duration_ms, id)`)
    this.addSql(`create index track_updated_index on track (updated_at, id)`)
    this.addSql(`create index track_unready_index on track (created_at, id) where status <> 'READY'`)

    this.addSql(`create table search_gram (
      gram text collate "C" not null,
      length smallint not null,
      word text collate "C" not null,
      primary key (gram, length, word)
    )`)
    this.addSql(`create function search_grams(word text) returns text[]
      language sql immutable strict parallel safe
      return array(select distinct substr('  ' || word || ' ', place, 3) from generate_series(1, char_length(word) + 1) as place)`)
    // In order, so that two who learn the same words at once wait for each other and not in a circle.
    this.addSql(`create function search_learn() returns trigger language plpgsql as $$
      begin
        insert into search_gram (gram, length, word)
        select gram, char_length(met), met
        from unnest(tsvector_to_array(new.search)) as met, unnest(search_grams(met)) as gram
        where char_length(met) between 3 and 40
          and not exists (select 1 from search_gram known where known.gram = '  ' || left(met, 1) and known.length = char_length(met) and known.word = met)
        order by 1, 2, 3
        on conflict do nothing;
        return null;
      end $$`)
    this.addSql(`create trigger track_learn after insert or update of title, artist, album, album_artist, genres, tags on track
      for each row execute function search_learn()`)
    // By the database, so that no writer has to think of it. Of many in one transaction, each track is announced once.
    this.addSql(`create function track_announce() returns trigger language plpgsql as $$
      begin
        perform pg_notify('playhead_track', new.id::text);
        return null;
      end $$`)
    this.addSql(`create trigger track_announce after insert or update on track for each row execute function track_announce()`)
    this.addSql(`create function artifact_announce() returns trigger language plpgsql as $$
      begin
        perform pg_notify('playhead_track', coalesce(new.track_id, old.track_id)::text);
        return null;
      end $$`)
    this.addSql(`create trigger artifact_announce after insert or update or delete on artifact for each row execute function artifact_announce()`)
    this.addSql(`insert into search_gram (gram, length, word)
      select gram, char_length(word), word
      from (select distinct unnest(tsvector_to_array(search)) as word from track) as words, unnest(search_grams(word)) as gram
      where char_length(word) between 3 and 40`)
  }

  override down(): void {
    this.addSql(`drop trigger artifact_announce on artifact`)
    this.addSql(`drop trigger track_announce on track`)
    this.addSql(`drop trigger track_learn on track`)
    this.addSql(`drop table search_gram`)
    this.addSql(`alter table track drop column edited, drop column search, drop column sort_title, drop column sort_artist, drop column sort_album`)
    this.addSql(`drop index track_year_index, track_duration_index, track_updated_index, track_unready_index`)
    this.addSql(`drop function artifact_announce, track_announce, search_learn, search_grams, search_query, track_search, search_vector, search_words, search_fold`)
  }
}
