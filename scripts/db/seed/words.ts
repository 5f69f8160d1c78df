/** What names are made of, language by language: real first names, family names, and words of titles, the frequent ones first. */
export interface Language {
  /** How often an artist is of it, in parts of all. */
  readonly share: number;
  readonly first: readonly string[];
  readonly last: readonly string[];
  readonly words: readonly string[];
  /** Family names and rare words are put together from these: languages have far more than a list holds. */
  readonly syllables: readonly string[];
  /** Between the parts of a name or a title. */
  readonly space: string;
}

const list = (text: string): string[] => text.trim().split(/\s+/);

const english: Language = {
  share: 46,
  space: ' ',
  first:
    list(`John James Mary David Michael Robert Linda Paul Peter Joan Billy Johnny Bobby Jimmy Tom Joe Sam Nick Kate Ella Nina Patti Debbie
    Otis Marvin Aretha Stevie Ray Charlie Miles Sonny Art Max Lee Wayne Herbie Alice Dusty Roy Kenny Curtis Donny Bill Gil Terry Brian Steve
    Robyn Sandy Nico Laura Judee Vashti Bert Davy Norma Shirley Lal Maddy Townes Emmylou Dolly Loretta Waylon Willie Merle Hank Patsy`),
  last: list(`Smith Jones Brown Williams Johnson Davis Wilson Taylor Walker Young King Wright Hill Green Baker Carter Turner Parker Collins Cooper
    Morgan Reed Bell Murphy Bailey Cox Ward Brooks Gray Price Wood Barnes Ross Henderson Coleman Jenkins Perry Powell Long Hughes Butler
    Simmons Foster Bryant Russell Griffin Hayes Myers Ford Hamilton Graham Sullivan Wallace Cole West Jordan Owens Reynolds Fisher Ellis
    O'Connor O'Neill McCartney McDonald MacColl Fairport Thackray Drake Martyn Harper Denny Thompson Hutchings Wyatt Ayers Fripp`),
  words:
    list(`Love Night Blue Heart Time Day World Man Black Life Dream Girl Light Road Fire Moon Sun Rain Home Soul White Red City Street Dance
    River Sky Star Summer Golden Sea Wild Morning Dark Sweet Lonely Silver Train Stone Shadow Winter Electric Garden Ghost Paradise Angel
    Mountain Midnight Mirror Ocean Midsummer Velvet Machine Radio Letter Window Island Desert Hollow Thunder Lightning Carnival Cathedral
    Satellite Highway Junction Harbour Lighthouse Orchard Meadow Wilderness Avalanche Hurricane Telegraph Telephone Television Arcade
    Bicycle Boulevard Carousel Chandelier Cinnamon Clockwork Coastline Compass Constellation Crossroads Crystal Cylinder Daybreak December
    Diamond Driftwood Echo Eclipse Elephant Emerald Equinox Evergreen Factory Feather Firefly Fortune Fountain Frontier Galaxy Gravity
    Harvest Hemisphere Horizon Hummingbird Infinity Ivory Jasmine Kingdom Labyrinth Lantern Laughter Lavender Magnetic Marble Masquerade
    Mercury Meridian Metropolis Nightingale November Obsidian Orbit Orchid Overture Pavilion Pendulum Phantom Pilgrim Prism Promenade
    Quicksilver Raven Reverie Sanctuary Sapphire Scarlet September Silhouette Solstice Sparrow Spectrum Spiral Starlight Symphony Tangerine
    Tempest Tidal Timber Traveller Turquoise Twilight Umbrella Universe Vagabond Valley Vanishing Violet Voyage Wanderer Waterfall Willow Zephyr`),
  syllables:
    list(`ash bar bel ber bram brook bur by cham chester cliff col cor croft dale den der don dun el far field ford gate glen grave hal ham
    hart haw hol hurst kel ken kirk lang law leigh ley lin lock low mar mel mer mill mont mor nor over pen pin ray rick ridge row rush sel
    shaw shel sher stan ster stock strat sut thorn ton tree tyn wade wal war well wes wick win wold worth`),
};
const german: Language = {
  share: 9,
  space: ' ',
  first: list(
    'Klaus Jürgen Günther Hans Wolfgang Dieter Holger Irmin Jaki Ralf Florian Uli Manuel Christian Nina Marlene Hildegard Käthe Jörg Björn',
  ),
  last: list(`Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter Klein Wolf Schröder Neumann
    Schwarz Zimmermann Krüger Hartmann Lange Werner Lehmann Köhler Maier König Mayer Kaiser Fuchs Weiß Möbius Roedelius Göttsching`),
  words:
    list(`Liebe Nacht Zeit Herz Welt Leben Traum Licht Feuer Mond Sonne Regen Himmel Straße Stadt Meer Träume Mädchen Frühling Sommer Winter
    Schatten Maschine Spiegel Garten Geisterfahrer Autobahn Großstadt Schön Grün Weiß Königin Vögel Sehnsucht Märchen Fluß Brücke Gefühl
    Zukunft Vergangenheit Sternschnuppe Nachtigall Wanderlust Zeitgeist Heimweh Abendrot Morgenröte Glück Gewitter Flügel Düsterwald`),
  syllables: list(
    'bach berg brunn burg dorf eich feld fels grün hain hart heim hof holz kirch kreuz lau lind mann mühl neu ober rath reut rot schön stein stett tal unter wald weil wies',
  ),
};
const french: Language = {
  share: 8,
  space: ' ',
  first: list(
    'Françoise Serge Jacques Édith Léo Georges Barbara Brigitte Étienne Hélène André Véronique Gérard Éric Zoé Noël Raphaël Maïté Jérôme Cécile',
  ),
  last: list(`Martin Bernard Dubois Durand Moreau Laurent Lefèvre Leroy Rousseau Fournier Girard Bonnet Dupont Lambert Fontaine Mercier Béranger
    Ferré Hallyday Gréco Trénet Lévêque Gainsbourg Béart Ferrat Nougaro Lavilliers Bécaud Aznavour Adamo Clément Château Bélanger`),
  words:
    list(`Amour Nuit Vie Cœur Temps Jour Monde Rêve Fille Lumière Feu Lune Soleil Pluie Ciel Ville Mer Été Hiver Étoile Ombre Forêt Fenêtre
    Poupée Chanson Liberté Château Éléphant Oiseau Forêts Désert Île Mélancolie Café Près Déjà Là-bas Noël Fête Poésie Naïve Étrange
    Crépuscule Printemps Automne Voyage Tempête Océan Fantôme Éternité Rivière Bohème Jardin Quartier Boulevard Manège Carrousel`),
  syllables: list(
    'au bel ber bois bon bour cha char clé dé deau fort gné gran jou lai lan lé lion lou man mar mé mi mont nière nou pré ré rou sal sé son teau ville vin',
  ),
};
const iberian: Language = {
  share: 9,
  space: ' ',
  first: list(
    'João José María Antônio Milton Caetano Gilberto Lô Víctor Mercedes Héctor Rubén Célia Elis Nara Gal Tomás Sebastião Inês Joaquín Ángel Begoña',
  ),
  last: list(`Silva Santos Oliveira Souza Pereira Lima García Rodríguez Martínez Hernández López González Pérez Sánchez Ramírez Núñez Peña Muñoz
    Gonçalves Conceição Magalhães Simões Araújo Assunção Ibáñez Ordóñez Zúñiga Jobim Buarque Piazzolla Yupanqui Jara Parra Lavoe`),
  words:
    list(`Amor Noche Noite Vida Corazón Coração Tiempo Tempo Mundo Sueño Sonho Luz Fuego Luna Lua Sol Lluvia Cielo Céu Ciudad Mar Verano Estrela
    Camino Canción Canção Saudade Manhã Mañana Corcovado Niña Pájaro Rincón Alegría Tristeza Bossa Nação Ilusão Paixão Corazonada
    Madrugada Primavera Otoño Tormenta Desierto Océano Fantasma Eternidad Horizonte Pasión Emoção Revolución Fútbol Cumbia Canteiros`),
  syllables: list(
    'al bra ca ção cal cor da do es fer ga gue la le lla lo ma me mi món na nez ña ño pa que ra res ri ro sa sal so ta te to va vei ya za',
  ),
};
const nordic: Language = {
  share: 6,
  space: ' ',
  first: list(
    'Björk Jónsi Åse Bjørn Søren Håkan Märta Östen Sigríður Ólafur Þórir Ásgeir Guðrún Jørgen Øyvind Kåre Agnetha Frida Pär Görel',
  ),
  last: list(`Åkesson Öberg Lindström Bergström Sjögren Nyström Söderberg Nørgaard Sørensen Jørgensen Kjær Ødegård Bjørnstad Guðmundsdóttir
    Þórðarson Jónsdóttir Sigurðsson Häkkinen Mäkelä Hämäläinen Kärkkäinen Jääskeläinen Hellström Fältskog Rypdal Garbarek`),
  words:
    list(`Kärlek Natt Hjärta Tid Värld Dröm Ljus Måne Sol Regn Himmel Stad Hav Sommar Vinter Stjärna Skugga Skog Ágætis Byrjun Heysátan Glósóli
    Nótt Ást Líf Draumur Ljós Hljóð Snjór Fjörður Jökull Kjærlighet Hjerte Drøm Lys Måneskinn Fjell Sjø Yö Rakkaus Sydän Elämä Kesä Tähti`),
  syllables: list(
    'ager ås berg bø by dahl ek fors gaard gren haug hed holm ja kvist land lund mark ness nor ø quist rud sand ser skog stad ström sund vall vik',
  ),
};
const slavic: Language = {
  share: 5,
  space: ' ',
  first: list(
    'Krzysztof Tomasz Czesław Michał Zbigniew Małgorzata Jiří Václav Zdeněk Hana Božena Đorđe Željko Ljubiša Šaban Nataša Łucja Grażyna',
  ),
  last: list(`Komeda Stańko Niemen Urbaniak Namysłowski Wójcik Kowalczyk Wiśniewski Dąbrowski Zieliński Szymański Woźniak Kozłowski Dvořák Novák
    Černý Procházka Kučera Veselý Horák Němec Marković Petrović Jovanović Đorđević Nikolić Šehić Čolić Bajaga Štulić`),
  words:
    list(`Miłość Noc Serce Czas Świat Życie Sen Światło Ogień Księżyc Słońce Deszcz Niebo Miasto Morze Lato Zima Gwiazda Cień Láska Srdce Čas
    Svět Život Světlo Oheň Měsíc Slunce Déšť Nebe Město Moře Hvězda Ljubav Noć Vrijeme Svijet Život Vatra Mjesec Kiša Grad Zvijezda Šuma`),
  syllables: list(
    'bo bor cze da dra dź gor he jan ka ko kow kra lew ło ma mir mo ńska no ol po pra ra ro ryc ski sław ską sta szew ta to wa wi wicz za ży',
  ),
};
const turkish: Language = {
  share: 2,
  space: ' ',
  first: list('Barış Cem Erkin Selda Ajda Sezen Özdemir Müzeyyen Aşık Neşet Zülfü Gülden Fikret Mazhar Özkan Füsun'),
  last: list(
    'Manço Karaca Koray Bağcan Pekkan Aksu Erdoğan Senar Veysel Ertaş Livaneli Karaböcek Kızılok Alanson Uğur Önal Işıklı Şahin Yıldız Öztürk',
  ),
  words: list(
    'Aşk Gece Kalp Zaman Dünya Hayat Rüya Işık Ateş Ay Güneş Yağmur Gökyüzü Şehir Deniz Yaz Kış Yıldız Gölge Orman Gönül Dağlar Yol Sevda Ayrılık Türkü',
  ),
  syllables: list('ak al bay can çe çi da de dem er gül han is ka kay lı man öz oğlu ra sel soy şa taş tan tu ün ya yıl'),
};
const japanese: Language = {
  share: 6,
  space: '',
  first: list('龍一 達郎 まりや 晴臣 幸宏 由実 明菜 聖子 林檎 美雨 太郎 花子 健一 恵子 次郎 陽水 拓郎 みゆき ひばり 浩二 真理子 大貫'),
  last: list(
    '坂本 山下 竹内 細野 高橋 松任谷 中森 松田 椎名 佐藤 鈴木 田中 渡辺 伊藤 山本 中村 小林 加藤 吉田 山田 井上 中島 美空 玉置 大滝 矢野',
  ),
  words: list(`愛 夜 心 時 日 世界 夢 少女 光 道 火 月 太陽 雨 空 街 海 夏 冬 星 影 森 鏡 庭 風 花 雪 涙 恋 東京 音楽 図鑑 無罪 モラトリアム
    ラブ ソング サマー ナイト ブルー ドリーム シティ ポップ レコード ギター メロディー さくら ありがとう さよなら 青い 赤い 白い 遠い 銀河 鉄道`),
  syllables: list('山 川 田 木 林 森 石 松 村 島 原 野 本 中 上 下 大 小 高 藤 井 谷 岡 崎 橋 池 沢 水 金 白 黒 青'),
};
const russian: Language = {
  share: 4,
  space: ' ',
  first: list('Борис Виктор Владимир Алла Юрий Майк Булат Егор Анна Елена Пётр Фёдор Артём Семён Жанна Наталья Сергей Ольга'),
  last: list(`Гребенщиков Цой Высоцкий Пугачёва Шевчук Науменко Окуджава Летов Иванов Петров Сидоров Кузнецов Смирнов Соловьёв Фёдоров Королёв
    Зайцев Павлов Семёнов Голубев Виноградов Богданов Воробьёв Щербаков Ефремов`),
  words:
    list(`Любовь Ночь Сердце Время День Мир Сон Девушка Свет Дорога Огонь Луна Солнце Дождь Небо Город Море Лето Зима Звезда Тень Лес Зеркало Сад
    Ветер Цветы Снег Слёзы Песня Музыка Аквариум Кино Группа Крови Чёрный Белый Синий Зелёный Последний Ёлка Птица Берег`),
  syllables: list(
    'бо ва ве вин го гор да до ев жи за ин ка ки ко ла ле лов ми мо на не ни но ов пе по ра ро ры са сер ско та ти то хо чен ша',
  ),
};
const greek: Language = {
  share: 2,
  space: ' ',
  first: list('Μίκης Μάνος Βαγγέλης Γιώργος Μαρία Ελένη Νίκος Σταύρος Δήμητρα Χάρις Διονύσης Θάνος'),
  last: list('Θεοδωράκης Χατζιδάκις Παπαθανασίου Νταλάρας Φαραντούρη Καραΐνδρου Ξυλούρης Ξαρχάκος Γαλάνη Αλεξίου Σαββόπουλος Μικρούτσικος'),
  words: list(
    'Αγάπη Νύχτα Καρδιά Χρόνος Μέρα Κόσμος Όνειρο Φως Δρόμος Φωτιά Φεγγάρι Ήλιος Βροχή Ουρανός Πόλη Θάλασσα Καλοκαίρι Αστέρι Σκιά Τραγούδι Ναϊάς',
  ),
  syllables: list('α βα γι δη δρα ε θε κα κη κο λα λη μα μι να νι ξε πα που ρα ρη σα στα τα τη το φα χα'),
};
const korean: Language = {
  share: 1,
  space: ' ',
  first: list('중현 광석 민기 정화 소라 승철 용필 현식 창완 희은'),
  last: list('신 김 이 박 최 정 조 강 윤 산울림 들국화'),
  words: list('사랑 밤 마음 시간 세계 꿈 소녀 빛 길 불 달 태양 비 하늘 도시 바다 여름 겨울 별 그림자 숲 바람 꽃 눈물 노래 아름다운 강산'),
  syllables: list('가 나 다 라 마 바 사 아 자 하 고 노 도 로 모 보 소 오 조 호 은 인 진 현 영'),
};
const chinese: Language = {
  share: 1,
  space: '',
  first: list('丽君 健 大佑 学友 国荣 菲 杰伦 德华 小凤 松年'),
  last: list('邓 崔 罗 张 王 周 刘 徐 陈 李 黄 林 赵'),
  words: list(
    '爱 夜 心 时间 世界 梦 姑娘 光 路 火 月亮 太阳 雨 天空 城市 大海 夏天 冬天 星星 影子 风 花 雪 眼泪 歌 新长征 路上 一无所有 东方',
  ),
  syllables: list('安 宝 成 春 德 东 芳 福 光 国 海 华 建 金 兰 明 南 平 强 庆 山 文 小 新 雪 玉 云 志'),
};
const semitic: Language = {
  share: 1,
  space: ' ',
  first: list('فيروز محمد أم وردة خالد עופרה אריק חוה שלמה יהודית'),
  last: list('كلثوم الوهاب حافظ الجزائرية حاج חזה איינשטיין אלברשטיין ארצי רביץ'),
  words: list(
    'حب ليل قلب زمن عالم حلم نور طريق نار قمر شمس مطر سماء مدينة بحر صيف نجم אהבה לילה לב זמן עולם חלום אור דרך אש ירח שמש גשם שמיים עיר ים',
  ),
  syllables: list('با تا جا دا را سا شا فا قا كا لا ما نا ها يا'),
};

export const languages: readonly Language[] = [
  english,
  german,
  french,
  iberian,
  nordic,
  slavic,
  turkish,
  japanese,
  russian,
  greek,
  korean,
  chinese,
  semitic,
];
