"""Words of wikiHow's localised sites: kinds of method, names of sections, namespaces."""

from __future__ import annotations

import re
from typing import Final


def plain_word(word: str) -> str:
    """The word as the tables spell it: lower case, without blanks, apostrophes, hyphens and underscores."""
    return re.sub(r"[\s_'’ʼ`\-:：]+", "", word).casefold()


def _table(text: str) -> frozenset[str]:
    return frozenset(
        plain_word(word) for line in text.splitlines() for word in line.split(",") if word.strip()
    )


METHOD_KIND_WORDS: Final = {
    "part": _table("""
        Part, Parte, Partie, Teil, Deel, Del, Часть, Bagian, Část, Część, Phần, Bölüm, Kısım
        ส่วน, ส่วนที่, جزء, الجزء, भाग, بخش, قسمت, 部分, 部, パート, 파트, 부분
    """),
    "question": _table("""
        Question, Pregunta, Frage, Pergunta, Domanda, Vraag, Вопрос, Pertanyaan, Otázka, Pytanie, Câu hỏi
        Soru
        คำถาม, سؤال, السؤال, پرسش, प्रश्न, सवाल, 问题, 問題, 質問, 질문
    """),
}
"""What a heading calls a section that is no plain method; every other word means a method."""

ROLES: Final = {
    "ingredients": _table("""
        ingredients, ingredientes, Zutaten, ingrédients, ingredienti, ingrediënten, Ингредиенты, Bahan
        Bahan-bahan
        Ingredience, Suroviny, Składniki, Nguyên liệu, Malzemeler, ส่วนผสม, المكونات, مكونات, सामग्री
        原料, 食材, 材料, 재료
    """),
    "tips": _table("""
        tips, Tipps, consejos, conseils, dicas, consigli, Советы, Tips dan Saran, Saran, Tipy, Rady, Wskazówki
        Lời khuyên, İpuçları, เคล็ดลับ, أفكار مفيدة, نصائح, सलाह, 小提示, 提示, ポイント, コツ, 팁
    """),
    "warnings": _table("""
        warnings, Warnungen, advertencias, avertissements, avisos, avvertenze, Waarschuwingen, Предупреждения
        Peringatan, Varování, Upozornění, Ostrzeżenia, Cảnh báo, Uyarılar, คำเตือน, تحذيرات, चेतावनी
        警告, 注意事項, 注意, 경고, 주의
    """),
    "things": _table("""
        things you'll need, things you will need, Was du brauchst, Was du benötigst, cosas que necesitarás
        éléments nécessaires, Materiais Necessários, cose che ti serviranno, Benodigdheden
        Что вам понадобится, Hal yang Anda Butuhkan, Hal-Hal yang Anda Butuhkan, Co budete potřebovat
        Czego będziesz potrzebować, Những thứ bạn cần, İhtiyacın Olan Şeyler, สิ่งของที่ใช้
        الأشياء التي ستحتاج إليها, चीज़ें जिनकी आपको आवश्यकता होगी, 你需要准备, 所需物品, 必要なもの, 필요한 것
        준비물
    """),
    "related": _table("related wikihows, related articles, 関連記事"),
    "references": _table("references, references_second, sources and citations, sources, 出典, 参照"),
}
"""Class, id or heading of a section -> what it holds: wikiHow takes the localised heading for class and id."""


def _namespaces(text: str) -> frozenset[str]:
    return frozenset(
        namespace_name(word) for line in text.splitlines() for word in line.split(",") if word.strip()
    )


def namespace_name(name: str) -> str:
    """A namespace's name as the table spells it: "User talk", "User_talk" and "user-talk" are one."""
    return re.sub(r"[\s_\-]+", "_", name.strip()).casefold()


NAMESPACES: Final = _namespaces("""
    Special, Category, Category talk, User, User talk, User kudos, User kudos talk, wikiHow, wikiHow talk
    Project, Project talk, Image, Image talk, File, File talk, Media, MediaWiki, MediaWiki talk, Template
    Template talk, Discussion, Talk, Help, Help talk, Video, Video talk, Module, Module talk, Draft
    Article Request, Article Request talk, Portal, Summary, Summary talk
    Spezial, Kategorie, Kategorie Diskussion, Benutzer, Benutzerin, Benutzer Diskussion, Datei, Bild, Vorlage
    Diskussion, Hilfe
    Especial, Categoría, Usuario, Usuaria, Usuario discusión, Archivo, Imagen, Plantilla, Discusión, Ayuda
    Spécial, Catégorie, Utilisateur, Utilisatrice, Discussion utilisateur, Fichier, Modèle, Aide
    Categoria, Usuário, Usuária, Usuário Discussão, Utilizador, Ficheiro, Arquivo, Imagem, Predefinição
    Discussão, Ajuda
    Speciale, Utente, Discussioni utente, Immagine, Discussione, Aiuto
    Speciaal, Categorie, Gebruiker, Overleg gebruiker, Bestand, Afbeelding, Sjabloon, Overleg
    Служебная, Категория, Участник, Участница, Обсуждение участника, Файл, Изображение, Шаблон, Обсуждение
    Справка
    Istimewa, Kategori, Pengguna, Pembicaraan Pengguna, Berkas, Gambar, Templat, Pembicaraan, Bantuan
    Speciální, Uživatel, Uživatelka, Diskuse s uživatelem, Soubor, Šablona, Diskuse, Nápověda
    Specjalna, Użytkownik, Plik, Grafika, Szablon, Dyskusja, Pomoc
    Đặc biệt, Thể loại, Thành viên, Thảo luận Thành viên, Tập tin, Hình, Bản mẫu, Tiêu bản, Thảo luận, Trợ giúp
    Özel, Kullanıcı, Kullanıcı mesaj, Dosya, Resim, Şablon, Tartışma, Yardım
    特別, カテゴリ, 利用者, 利用者・トーク, 利用者‐会話, ファイル, 画像, テンプレート, ノート, トーク
    ヘルプ, メディア
    特殊, 分类, 分類, 用户, 用戶, 用户讨论, 用戶討論, 文件, 檔案, 图像, 圖像, 模板, 讨论, 討論, 帮助, 幫助
    특수, 특수기능, 분류, 사용자, 사용자토론, 파일, 그림, 틀, 토론, 도움말
    พิเศษ, หมวดหมู่, ผู้ใช้, คุยกับผู้ใช้, ไฟล์, ภาพ, แม่แบบ, พูดคุย, วิธีใช้
    خاص, تصنيف, مستخدم, نقاش المستخدم, ملف, صورة, قالب, نقاش, مساعدة
    विशेष, श्रेणी, सदस्य, सदस्य वार्ता, चित्र, साँचा, वार्ता, सहायता
    ویژه, رده, کاربر, بحث کاربر, پرونده, الگو, بحث, راهنما
""")
"""Names before ":" that make an address no article; any other ":" belongs to a title."""
