"""Marks that only count, in many languages: never a headline, never a step; and what looks like one and is none."""

from __future__ import annotations

import pytest

from crawl.steps.mark_words import FIRST_TO_TENTH, ONE_TO_TEN, STEP
from crawl.steps.marks import _ONLY_LABEL, only_counts, without_marks

LABELS = {
    "English": ["Step 4", "STEP 04:", "Step #4", "Step No. 4", "Step 4 of 9", "Step 4/9", "Fourth step", "Step four"],
    "Chinese": ["第4步", "第四步：", "步骤4", "步驟 四", "第 4 步"],
    "Hindi": ["चरण 4", "चरण ४:", "पहला चरण"],
    "Spanish": ["Paso 4", "paso nº 4", "Paso 4 de 9", "Cuarto paso", "4.º paso"],
    "French": ["Étape 4", "Étape n° 4 :", "4e étape", "Quatrième étape", "ÉTAPE 4 sur 9"],
    "Arabic": ["الخطوة 4", "الخطوة ٤", "الخطوة الرابعة", "خطوة 4"],
    "Bengali": ["ধাপ 4", "ধাপ ৪", "চতুর্থ ধাপ"],
    "Portuguese": ["Passo 4", "Passo 4 de 9", "Quarto passo", "4º passo"],
    "Russian": ["Шаг 4", "Шаг № 4", "4-й шаг", "Четвёртый шаг"],
    "Urdu": ["مرحلہ 4", "مرحلہ ۴", "چوتھا مرحلہ"],
    "Indonesian": ["Langkah 4", "Langkah keempat"],
    "German": ["Schritt 4", "Schritt 4 von 9", "4. Schritt", "Vierter Schritt", "Arbeitsschritt 4"],
    "Japanese": ["ステップ4", "手順④", "手順 ４", "工程4"],
    "Marathi": ["पायरी 4", "पायरी ४"],
    "Telugu": ["దశ 4", "దశ ౪"],
    "Turkish": ["Adım 4", "4. Adım", "Dördüncü adım"],
    "Tamil": ["படி 4", "படி ௪"],
    "Vietnamese": ["Bước 4", "Bước thứ tư"],
    "Korean": ["4단계", "단계 4", "스텝 4"],
    "Persian": ["مرحله ۴", "گام 4"],
    "others": ["Stap 4", "Fase 4", "Quarto passaggio", "Krok 4", "Steg 4", "Trin 4", "4. vaihe"],
    "others yet": ["Hatua ya 4", "ขั้นตอนที่ 4", "Βήμα 4", "4. lépés", "Pasul 4"],
    "no language": ["4", "4.", "4)", "(4)", "[4]", "#4", "④", "4️⃣", "４", "4/9", "- 4 -"],
}  # fmt: skip


@pytest.mark.parametrize("language", LABELS)
def test_a_label_only_counts(language: str) -> None:
    assert [label for label in LABELS[language] if not only_counts(label)] == []


@pytest.mark.parametrize(
    "words",
    ["Stop", "Step outside", "Pass 4 cars", "4 eggs", "Step on it", "First, wash", "Stage a play", "一步一步来",
     "Phase out sugar", "Step on Ann's foot", "4 Eier", "350 °F", "Langkah besar", "Fill", "Passo la notte",
     "Step 4 paces back"],
)  # fmt: skip
def test_words_do_more_than_count(words: str) -> None:
    assert not only_counts(words)
    assert without_marks([words]) == [words]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1. Peel", "2. Cut", "3. Fry"], ["Peel", "Cut", "Fry"]),
        (["1) Peel", "(2) Cut", "3: Fry"], ["Peel", "Cut", "Fry"]),
        (["1.Peel", "2.Cut"], ["Peel", "Cut"]),
        (["1 Peel", "2 Cut"], ["Peel", "Cut"]),
        (["① Peel", "② Cut"], ["Peel", "Cut"]),
        (["Schritt 1: Schälen", "Schritt 2 - schneiden"], ["Schälen", "schneiden"]),
        (["第一步：削皮", "第二步切"], ["削皮", "切"]),
        (["Étape 1 – Éplucher", "Étape 2"], ["Éplucher", ""]),
        (["Step 1 peel it", "Step 2 cut it"], ["peel it", "cut it"]),
        (["a) Peel it", "b) Cut it"], ["Peel it", "Cut it"]),
        (["I. Peel it", "II. Cut it", "III. Fry it"], ["Peel it", "Cut it", "Fry it"]),
        (
            ["Wash it", "5. Peel it", "6. Cut it"],
            ["Wash it", "Peel it", "Cut it"],
        ),  # counted through the article
        (["Step 1: (if you like) peel it"], ["(if you like) peel it"]),
        (
            ["1. Peel it", "2. Step on it", "3. Step on it again"],
            ["Peel it", "Step on it", "Step on it again"],
        ),
        (["1 Step on it", "2 Step on that"], ["Step on it", "Step on that"]),
        (["1. adım yağı ısıtın", "2. adım karıştırın"], ["yağı ısıtın", "karıştırın"]),
    ],
)
def test_leading_marks_are_taken_away(texts: list[str], expected: list[str]) -> None:
    assert without_marks(texts) == expected


@pytest.mark.parametrize(
    "texts",
    [
        ["1.5 litres of water go in", "2.5 spoons of salt, too"],
        ["1/2 of it goes in", "2/3 later"],
        ["3. August ist der beste Tag"],
        ["1-inch cubes are best"],
        ["2 eggs, beaten", "1 spoon of salt"],
        ["1 egg goes in", "2 eggs go in"],
        ["1:30 is the time", "2:30 too late"],
        ["a) Peel it", "Cut it"],
        ["I. Newton knew", "Cut it"],
        ["Step 2 back", "Step 2 forth"],
    ],
)
def test_numbers_that_are_words_stay(texts: list[str]) -> None:
    assert without_marks(texts) == texts


@pytest.mark.parametrize(
    "form",
    ["{}", "{} 4", "{}4", "({} iii)", "4. {}", "№ 4 {}", "n4 {}", "Nr. four {}", "第三{}", "“{}”: 2/9"],
)
def test_the_quick_look_at_a_beginning_misses_no_mark(form: str) -> None:
    """What a text begins with is looked at first; the pattern alone says whether it only counts."""
    words = (*STEP, *ONE_TO_TEN, *FIRST_TO_TENTH, "i", "ⅳ", "①", "x")
    texts = [form.format(spelt) for word in words for spelt in (word, word.upper(), word.title())]
    assert [text for text in texts if only_counts(text) != bool(_ONLY_LABEL.fullmatch(text))] == []
