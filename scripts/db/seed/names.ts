import { Random } from './random.ts';
import { type Language, languages } from './words.ts';

const shares = languages.map(({ share }) => share);
const shareSum = shares.reduce((sum, share) => sum + share, 0);
const english = languages[0] as Language;
/** Keys of the sequences, so that artist 7 and label 7 have nothing in common. */
const ARTIST = 1;
const LABEL = 2;

/** What an artist's releases have in common. */
export interface Artist {
  readonly name: string;
  /** Other spellings under which people look for the artist. */
  readonly aliases: readonly string[];
  readonly language: Language;
}

function languageOf(random: Random): Language {
  let rest = random.next() * shareSum;
  for (const language of languages) {
    rest -= language.share;
    if (rest < 0) return language;
  }
  return english;
}

const capital = (word: string): string => word.charAt(0).toLocaleUpperCase('en') + word.slice(1);

/** A word of a language: mostly a frequent one, sometimes one that hardly any other name has. */
function word(random: Random, { words, syllables }: Language, rare = 0.12): string {
  if (!random.chance(rare)) return random.pickSkewed(words);
  return capital(Array.from({ length: 2 + random.below(2) }, () => random.pick(syllables)).join(''));
}

function familyName(random: Random, { last, syllables }: Language): string {
  if (random.chance(0.6)) return random.pickSkewed(last, 1.5);
  return capital(random.pick(syllables) + random.pick(syllables) + (random.chance(0.2) ? random.pick(syllables) : ''));
}

const person = (random: Random, language: Language): string => {
  const [first, last] = [random.pickSkewed(language.first, 1.5), familyName(random, language)];
  return language.space === '' ? last + first : `${first} ${last}`;
};

function band(random: Random, language: Language): string {
  if (language !== english && language.space === ' ' && random.chance(0.5))
    return `${word(random, language)}${random.chance(0.5) ? ` ${word(random, language)}` : ''}`;
  if (language.space === '') return word(random, language) + word(random, language);
  const noun = word(random, english);
  return random.pick([
    () => `The ${noun}s`,
    () => `The ${word(random, english)} ${noun}s`,
    () => `${word(random, english)} ${noun}`,
    () => noun,
    () => `${noun} & The ${word(random, english)}s`,
    () => `${familyName(random, language)} Trio`,
    () => `${familyName(random, language)} Quartet`,
    () => `${noun} Orchestra`,
    () => `${noun}/${word(random, english)}`,
    () => `${noun} ${1 + random.below(99)}`,
  ])();
}

const latinSpellings = [
  'Ryuichi',
  'Tatsuro',
  'Haruomi',
  'Yukihiro',
  'Akina',
  'Seiko',
  'Ringo',
  'Boris',
  'Viktor',
  'Vladimir',
  'Alla',
  'Teresa',
];

/** The artist of a number, the same whenever it is asked. Low numbers are meant for the popular ones. */
export function artistOf(number: number): Artist {
  const random = new Random(ARTIST, number);
  const language = languageOf(random);
  const solo = random.chance(0.5);
  let name = solo ? person(random, language) : band(random, language);
  if (solo && random.chance(0.06)) name += ` & ${person(random, language)}`;
  if (solo && random.chance(0.05))
    name += ` And ${random.pick(['His', 'Her', 'The'])} ${random.pick(['Orchestra', 'Band', 'Quintet', 'All Stars', 'Five'])}`;
  // Discogs tells artists of one name apart like this.
  if (random.chance(0.02)) name += ` (${2 + random.below(4)})`;
  const foreign = !/^[\p{Script=Latin}\P{Letter}]*$/u.test(name);
  const aliases = foreign && random.chance(0.7) ? [`${random.pick(latinSpellings)} ${familyName(random, english)}`] : [];
  if (random.chance(0.03)) aliases.push(person(random, english));
  return { name, aliases, language };
}

/** A title, mostly in its artist's language. */
export function titleOf(random: Random, artist: Artist): string {
  const language = random.chance(0.25) ? english : artist.language;
  const one = () => word(random, language);
  if (language.space === '') return Array.from({ length: 1 + random.below(3) }, one).join(random.chance(0.3) ? 'の' : '');
  if (random.chance(0.07)) return artist.name;
  if (language !== english) return Array.from({ length: 1 + random.below(3) }, one).join(' ');
  return random.pick([
    () => one(),
    () => `${one()} ${one()}`,
    () => `The ${one()} Of ${one()}`,
    () => `${one()} In The ${one()}`,
    () => `${one()} And ${one()}`,
    () => `${one()} ${one()} ${one()}`,
    () => `Songs From The ${one()} ${one()}`,
    () => `Live At The ${word(random, english, 0.4)}`,
    () => `${one()}, ${one()} & ${one()}`,
    () => `The Best Of ${artist.name}`.slice(0, 256),
    () => `${one()} (Volume ${1 + random.below(9)})`,
    () => `${one()} / ${one()}`,
    () => `Don't ${one()} My ${one()}`,
    () => `A ${one()} For ${random.pickSkewed(english.first)}`,
    () => `${1950 + random.below(75)}: ${one()}`,
  ])();
}

export interface Label {
  readonly name: string;
  readonly code: string | null;
  /** A catalogue number of it. */
  number(random: Random): string;
}

const knownLabels =
  `Columbia|Philips|Island Records|EMI|Parlophone|Atlantic|Virgin|RCA Victor|Polydor|Blue Note|Decca|CBS|Mercury|Capitol Records|
Warner Bros. Records|Elektra|Verve Records|Impulse!|Prestige|Riverside Records|Motown|Stax|Chess|Sun|Tamla Motown|Trojan Records|Studio One|
Factory|Rough Trade|4AD|Mute|Creation Records|Warp Records|Ninja Tune|Sub Pop|SST Records|Touch And Go|Dischord Records|Matador|Domino|
ECM Records|Deutsche Grammophon|Harmonia Mundi|Archiv Produktion|Erato|Hyperion|Naxos|Brain|Ohr|Sky Records|Kosmische Musik|Pilz|Odeon|
Barclay|Disques Vogue|Saravah|Fania Records|Discos CBS|Som Livre|Elenco|Мелодия|Supraphon|Polskie Nagrania Muza|Jugoton|Balkanton|
日本コロムビア|アルファレコード|東芝EMI|Vertigo|Harvest|Charisma|Chrysalis|Asylum Records|Reprise Records|A&M Records|Arista|Casablanca|
Salsoul Records|West End Records|Trax Records|Transmat|R & S Records|Kompakt|Mille Plateaux|Basic Channel|Ghost Box|Light In The Attic|
Numero Group|Soul Jazz Records|Strut|Analog Africa|Awesome Tapes From Africa|Smekkleysa|Rune Grammofon|Smalltown Supersound`
    .split('|')
    .map((name) => name.trim());

/** The label of a number. */
export function labelOf(number: number): Label {
  const random = new Random(LABEL, number);
  const language = languageOf(random);
  const name =
    knownLabels[number] ??
    word(random, language, 0.4) + random.pick([' Records', ' Recordings', ' Music', ' Discs', ' Sound', ' Productions', '']);
  const letters =
    name
      .normalize('NFD')
      .replaceAll(/[^A-Za-z]/g, '')
      .toUpperCase() || 'JX';
  const prefix = letters.slice(0, 1 + random.below(4));
  const style = random.below(6);
  const base = random.below(9000);
  return {
    name,
    code: random.chance(0.3) ? `LC ${String(random.below(99_999)).padStart(5, '0')}` : null,
    number(own) {
      const running = base + own.below(3000);
      if (style === 0) return `${prefix} ${running}`;
      if (style === 1) return `${prefix}-${running}`;
      if (style === 2) return `${prefix}${String(running).padStart(4, '0')}`;
      if (style === 3) return `${prefix} ${running} ${1 + own.below(3)}`;
      if (style === 4) return `${own.pick(['', '12', '7', 'CD'])}${prefix} ${running}`;
      return `${1 + own.below(9)}C ${String(own.below(999)).padStart(3, '0')}-${running} ${own.pick(['', 'M', 'S'])}`.trim();
    },
  };
}
