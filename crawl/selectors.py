"""Every selector and markup word of wikiHow's layouts since 2008, in one place.

The stable anchor of all layouts is `ol.steps_list_2 > li`; since about 2013 each item holds one `div.step`.
Words of localised sites are compared after `plain_word`, so case, blanks and apostrophes do not matter.
"""

from __future__ import annotations

import re
from typing import Final

STEP_LIST: Final = "steps_list_2"
"""Class of the `ol` that holds steps, in every layout."""
STEP: Final = "step"
"""Class of the `div` inside an item, from about 2013 on."""
HEADLINE: Final = "whb"
"""Class of the machine-made `b` around the first sentence of a step."""

JUNK_TAGS: Final = frozenset(
    {"script", "style", "noscript", "template", "video", "iframe", "svg", "annotation", "annotation-xml"}
)
"""Tags whose text is never part of an article. Plain `sup`, `sub` and `kbd` are text."""

JUNK_CLASSES: Final = frozenset(
    {
        # citations and their pop-ups ("X Research source")
        "ts_popup",
        # pictures with their licence as JSON, and videos
        "image_details",
        "mwimg",
        "mwe-math-fallback-image-inline",
        "mwe-math-fallback-image-display",
        # advertisements and lazy-loading marks
        "wh_ad_inner",
        "ad_label",
        "al_method",
        "scrolltomarker",
        "clearall",
        # boxes between and inside steps
        "green_tips_box",
        # votes under tips and warnings
        "wh_vote_container",
        "wh_vote_box",
        "checkmark",
        # furniture of headings and steps
        "step_num",
        "stepanchor",
        "method_label",
        "altblock",
        "mw-editsection",
        "editsection",
        "edit_btn",
    }
)
JUNK_CLASS_STARTS: Final = ("m-video", "green_box")
JUNK_PAIRS: Final = frozenset({("sup", "reference"), ("a", "image")})
"""Tag and class that are junk only together."""

BLOCK_TAGS: Final = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "br",
        "center",
        "dd",
        "div",
        "dl",
        "dt",
        "figcaption",
        "figure",
        "footer",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)
"""Tags that end a word: text on both sides of them is kept apart by a blank."""

HIDDEN_STEPS: Final = "hide_step_numbers"
"""Class of a section that looks like steps and holds none ("Things You Should Know")."""


def plain_word(word: str) -> str:
    """The word as the tables below spell it: lower case, without blanks, apostrophes, hyphens, underscores."""
    return re.sub(r"[\s_'’ʼ`\-:：]+", "", word).casefold()


def _words(text: str) -> frozenset[str]:
    return frozenset(plain_word(word) for word in text.split(","))


KIND_WORDS: Final = {
    "part": _words(
        "Part, Parte, Partie, Teil, Deel, Часть, Bagian, Část, Phần, ส่วน, ส่วนที่, جزء, الجزء, 部分, 部, パート, 파트, 부분, "
        "Bölüm, Kısım, भाग, Część, Del, بخش, قسمت"
    ),
    "question": _words(
        "Question, Pregunta, Frage, Pergunta, Domanda, Vraag, Вопрос, Pertanyaan, Otázka, Câu hỏi, คำถาม, سؤال, السؤال, "
        "问题, 問題, 質問, 질문, Soru, प्रश्न, सवाल, Pytanie, پرسش"
    ),
}
"""What `.altblock` calls a section that is no plain method; every other word means a method."""

ROLE_WORDS: Final = {
    "ingredients": _words(
        "ingredients, ingredientes, Zutaten, ingrédients, ingredienti, ingrediënten, Ингредиенты, Bahan, bahanbahan, "
        "Ingredience, Suroviny, Nguyên liệu, ส่วนผสม, المكونات, مكونات, 原料, 食材, 材料, 재료, Malzemeler, सामग्री, Składniki"
    ),
    "tips": _words(
        "tips, Tipps, consejos, conseils, dicas, consigli, Советы, Saran, Tipy, Lời khuyên, เคล็ดลับ, "
        "أفكار مفيدة, نصائح, 小提示, 提示, ポイント, コツ, 팁, İpuçları, सलाह, Wskazówki"
    ),
    "warnings": _words(
        "warnings, Warnungen, advertencias, avertissements, avisos, avvertenze, Waarschuwingen, Предупреждения, "
        "Peringatan, Varování, Upozornění, Cảnh báo, คำเตือน, تحذيرات, 警告, 注意事項, 注意, 경고, 주의, Uyarılar, "
        "चेतावनी, Ostrzeżenia"
    ),
    "things": _words(
        "thingsyoullneed, things you will need, Was du brauchst, Was du benötigst, cosas que necesitarás, "
        "éléments nécessaires, Materiais Necessários, cose che ti serviranno, Benodigdheden, Что вам понадобится, "
        "Hal yang Anda Butuhkan, Hal-Hal yang Anda Butuhkan, Co budete potřebovat, Potřebné věci, "
        "Những thứ bạn cần, สิ่งของที่ใช้, الأشياء التي ستحتاج إليها, 你需要准备, 所需物品, 必要なもの, 필요한 것, "
        "준비물, İhtiyacın Olan Şeyler, चीज़ें जिनकी आपको आवश्यकता होगी, Czego będziesz potrzebować"
    ),
    "related": _words("relatedwikihows, related wikiHows, relatedarticles, 関連記事"),
    "references": _words("references, sourcesandcitations, sources and citations, sources, 出典, 参照"),
}
"""Class, id or heading of a section -> what it holds. wikiHow uses the localised heading as class and id."""

TITLES: Final = ("h1#section_0", "h1.firstHeading", "h1[class*=title]", "h1")
"""Where the title stands, newest layout first; a page may hold a second h1."""
BREADCRUMB: Final = "#breadcrumb li a, #breadcrumbs li a"
INTRODUCTIONS: Final = ("#mf-section-0 > p", ".mf-section-0 > p", "#intro > p", "#bodycontents > p")
RELATED_LINKS: Final = ("a.related-title", "a.related-wh", "ul li a", "a[title]")
REFERENCE_ITEMS: Final = ("ol.references > li", "ul > li")

NAMESPACES: Final = frozenset(
    word.strip().replace(" ", "_").casefold()
    for word in (
        "Special, Category, Category talk, User, User talk, User kudos, User kudos talk, wikiHow, wikiHow talk, "
        "Project, Project talk, Image, Image talk, File, File talk, Template, Template talk, Discussion, Talk, Help, "
        "Help talk, MediaWiki, MediaWiki talk, Media, Video, Video talk, Module, Module talk, Request, Draft, "
        "Article Request, Article Request talk, Portal, Summary, Summary talk, Sensitive, "
        # German, Spanish, French, Portuguese
        "Spezial, Kategorie, Kategorie Diskussion, Benutzer, Benutzerin, Benutzer Diskussion, Datei, Bild, Vorlage, "
        "Diskussion, Hilfe, Especial, Categoría, Usuario, Usuaria, Usuario discusión, Archivo, Imagen, Plantilla, "
        "Discusión, Ayuda, Spécial, Catégorie, Utilisateur, Utilisatrice, Discussion utilisateur, Fichier, Modèle, "
        "Aide, Categoria, Usuário, Usuária, Usuário Discussão, Utilizador, Ficheiro, Arquivo, Imagem, Predefinição, "
        "Discussão, Ajuda, "
        # Italian, Dutch, Russian, Indonesian
        "Speciale, Utente, Discussioni utente, Immagine, Discussione, Aiuto, Speciaal, Categorie, Gebruiker, "
        "Overleg gebruiker, Bestand, Afbeelding, Sjabloon, Overleg, Служебная, Категория, Участник, Участница, "
        "Обсуждение участника, Файл, Изображение, Шаблон, Обсуждение, Справка, Istimewa, Kategori, Pengguna, "
        "Pembicaraan Pengguna, Berkas, Gambar, Templat, Pembicaraan, Bantuan, "
        # Czech, Vietnamese, Turkish, Polish
        "Speciální, Uživatel, Uživatelka, Diskuse s uživatelem, Soubor, Šablona, Diskuse, Nápověda, Đặc biệt, "
        "Thể loại, Thành viên, Thảo luận Thành viên, Tập tin, Hình, Bản mẫu, Tiêu bản, Thảo luận, Trợ giúp, "
        "Özel, Kullanıcı, Kullanıcı mesaj, Dosya, Resim, Şablon, Tartışma, Yardım, Specjalna, Użytkownik, Plik, "
        "Grafika, Szablon, Dyskusja, Pomoc, "
        # Japanese, Chinese, Korean
        "特別, カテゴリ, 利用者, 利用者・トーク, 利用者‐会話, ファイル, 画像, テンプレート, ノート, トーク, ヘルプ, "
        "メディア, 特殊, 分类, 分類, 用户, 用戶, 用户讨论, 用戶討論, 文件, 檔案, 图像, 圖像, 模板, 讨论, 討論, 帮助, "
        "幫助, 특수, 특수기능, 분류, 사용자, 사용자토론, 파일, 그림, 틀, 토론, 도움말, "
        # Thai, Arabic, Hindi, Persian
        "พิเศษ, หมวดหมู่, ผู้ใช้, คุยกับผู้ใช้, ไฟล์, ภาพ, แม่แบบ, พูดคุย, วิธีใช้, خاص, تصنيف, مستخدم, "
        "نقاش المستخدم, ملف, صورة, قالب, نقاش, مساعدة, विशेष, श्रेणी, सदस्य, सदस्य वार्ता, चित्र, साँचा, वार्ता, "
        "सहायता, ویژه, رده, کاربر, بحث کاربر, پرونده, الگو, بحث, راهنما"
    ).split(",")
)
"""Names before ":" that make an address no article; any other ":" belongs to a title."""

NO_ARTICLE_FOLDERS: Final = frozenset(
    [
        "experts",
        "author",
        "quizzes",
        "expert-answers",
        "video",
        "watch",
        "course",
        "courses",
        "questions",
        "relationships",
        "games",
        "sample",
        "answers",
        "images",
        "skins",
        "extensions",
    ]
)
"""First parts of a path that hold something other than articles ("/Experts", "/Quizzes/...")."""
NO_ARTICLE_PAGES: Final = frozenset({"index.php", "api.php", "load.php", "wikihowto", "main-page", ""})

LINK_CLASSES: Final = frozenset({"mw-redirect", "extiw"})
"""The only classes that a link between articles may carry."""

_HOSTS: Final = re.compile(
    r"(?:^|\.)wikihow(?:-fun)?\.(?:com|jp|cz|it|vn|com\.tr|tech|pet|mom|life|fitness|health|legal)$"
)
_COUNTRY_LANGUAGES: Final = {"jp": "ja", "cz": "cs", "it": "it", "vn": "vi", "tr": "tr"}


def language_of_host(host: str) -> str | None:
    """Language of a wikiHow host ("es.wikihow.com" -> "es", "www.wikihow.jp" -> "ja"); None for another host."""
    host = host.lower().partition(":")[0]
    if not _HOSTS.search(host):
        return None
    country = _COUNTRY_LANGUAGES.get(host.rpartition(".")[2])
    if country:
        return country
    first = re.sub(r"^m\.|\.m(?=\.)", "", host).partition(".")[0]
    return first if re.fullmatch(r"[a-z]{2}", first) else "en"


WANTED_TAGS: Final = frozenset({"h1", "link", "meta"})
WANTED_IDS: Final = frozenset({"breadcrumb", "breadcrumbs", "intro", "mf-section-0", "steps", "bodycontents"})
WANTED_CLASSES: Final = frozenset(
    {"section", STEP_LIST, "pagepolicy", "redirectMsg", "redirectText", "mf-section-0"}
)
"""What of a page is read at all: everything outside of these is left unparsed."""

LICENCE: Final = "text: CC BY-NC-SA 3.0 or the site's later terms; pictures: not free"
"""What is known of the licence of a wikiHow page; the pages themselves do not state it."""
