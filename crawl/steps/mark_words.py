"""Words that mark steps: "step", "first", "directions", in the 20 most spoken languages and in those of wikiHow."""

from __future__ import annotations

from typing import Final


def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.strip() for word in text.replace("\n", ",").split(",") if word.strip()))


STEP: Final = _words("""
    step, steps, instruction, direction, stage, phase
    步骤, 步驟, 步, 工序
    चरण, कदम, क़दम, स्टेप, पायरी, टप्पा
    paso, etapa, fase
    étape, etape, phase
    الخطوة, خطوة, المرحلة, مرحلة
    ধাপ, পদক্ষেপ, স্টেপ
    passo, passos
    шаг, этап, крок, етап, стъпка, корак
    مرحلہ, قدم, سٹیپ, مرحله, گام
    langkah, tahap, tahapan
    schritt, arbeitsschritt
    ステップ, 手順, 工程
    దశ, స్టెప్
    adım, adim, aşama
    படிநிலை, படி
    bước
    단계, 스텝, 순서, 번, 번째
    passaggio
    stap, krok, lépés, steg, trin, trinn, vaihe, pasul, pas, korak, βήμα, žingsnis, solis, samm
    ขั้นตอนที่, ขั้นตอน, ขั้นที่, ขั้น
    שלב, צעד
    hatua, mataki, igbesẹ, hakbang
    પગલું, સ્ટેપ, ಹಂತ, ਕਦਮ, ਪੜਾਅ, ഘട്ടം
""")
ONE_TO_TEN: Final = _words("""
    one, two, three, four, five, six, seven, eight, nine, ten
    eins, zwei, drei, vier, fünf, sechs, sieben, acht, neun, zehn
    uno, dos, tres, cuatro, cinco, seis, siete, ocho, nueve, diez
    un, deux, trois, quatre, cinq, six, sept, huit, neuf, dix
    um, dois, três, quatro, sete, oito, nove, dez
    due, tre, quattro, cinque, sei, sette, otto, dieci
    один, два, три, четыре, пять, шесть, семь, восемь, девять, десять
    een, twee, drie, vijf, zes, zeven, acht, negen, tien
    bir, iki, üç, dört, beş, altı, yedi, sekiz, dokuz, on
    satu, dua, tiga, empat, lima, enam, tujuh, delapan, sembilan, sepuluh
    một, hai, ba, bốn, năm, sáu, bảy, tám, chín, mười
    एक, दो, तीन, चार, पाँच, पांच, छह, सात, आठ, नौ, दस
    এক, দুই, তিন, চার, পাঁচ, ছয়, সাত, আট, নয়, দশ
    ایک, دو, تین, چار, پانچ
    یک, سه, چهار, پنج
    ஒன்று, இரண்டு, மூன்று, நான்கு, ஐந்து
    ఒకటి, రెండు, మూడు, నాలుగు, ఐదు
    하나, 둘, 셋, 넷, 다섯
    moja, mbili, tatu, nne, tano
""")
FIRST_TO_TENTH: Final = _words("""
    first, second, third, fourth, fifth, sixth, seventh, eighth, ninth, tenth, final, last
    erster, zweiter, dritter, vierter, fünfter, sechster, siebter, achter, neunter, zehnter
    primer, primero, segundo, tercer, tercero, cuarto, quinto, sexto, séptimo, octavo, noveno, décimo
    premier, première, deuxième, troisième, quatrième, cinquième, sixième, septième, huitième, neuvième, dixième
    primeiro, terceiro, quarto, sétimo, oitavo, nono
    primo, prima, secondo, seconda, terzo, terza, sesto, settimo, ottavo, decimo
    первый, второй, третий, четвёртый, четвертый, пятый, шестой, седьмой, восьмой, девятый, десятый
    eerste, tweede, derde, vierde, vijfde, zesde
    birinci, ikinci, üçüncü, dördüncü, beşinci, ilk
    pertama, kedua, ketiga, keempat, kelima, keenam
    thứ nhất, đầu tiên, thứ hai, thứ ba, thứ tư
    पहला, दूसरा, तीसरा, चौथा, पाँचवाँ
    প্রথম, দ্বিতীয়, তৃতীয়, চতুর্থ, পঞ্চম
    الأولى, الثانية, الثالثة, الرابعة, الخامسة, السادسة, السابعة, الثامنة, التاسعة, العاشرة
    الأول, الثاني, الثالث, الرابع, الخامس
    پہلا, دوسرا, تیسرا, چوتھا
    اول, دوم, سوم, چهارم, پنجم
    첫, 첫번째, 첫 번째, 두번째, 두 번째, 세번째, 세 번째, 네 번째
    முதல், இரண்டாம், மூன்றாம், నాలుగో, మొదటి, రెండవ, మూడవ
    kwanza, pili, tatu
""")
PREPARATION: Final = _words("""
    directions, instructions, method, preparation, steps, how to make it, 做法, 作法, 步骤, 作り方, 만드는 법
    zubereitung, anleitung, preparación, elaboración, instrucciones, procedimiento, préparation, instructions
    modo de preparo, preparo, modo de preparação, preparazione, procedimento, приготовление, способ приготовления
    bereiding, bereidingswijze, przygotowanie, sposób przygotowania, hazırlanışı, yapılışı, cara membuat, cách làm
    विधि, طريقة التحضير, طريقة العمل, طرز تهیه
""")
"""What a page calls the whole of its steps."""
