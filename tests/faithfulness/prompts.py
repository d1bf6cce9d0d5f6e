"""Writes prompts.json: thirty prompts of 10 to 120 tokens, of the kinds that people write. Ours, and not those the default was
chosen on (`golden/faithfulness_*.json`).

usage: python3 prompts.py >prompts.json
"""

import json

PROMPTS = [
    ("question", "Which planet is closest to the sun? The planet closest to the sun is"),
    ("question", "Question: Who wrote the play Romeo and Juliet?\nAnswer: The play was written by William"),
    ("question", "The museum opens at nine and closes at five. On Sundays it stays closed. At what time does the museum close on a Tuesday? It closes at"),
    ("question", "My grandmother was born in 1931 and my mother in 1958. Who of the two is older? The older one is my"),
    ("question", "A train leaves Zurich for Milan with four carriages. Two more are added in Lugano. How many carriages arrive in Milan? The number of carriages is"),
    ("few-shot", "red -> colour\ncircle -> shape\nviolin -> instrument\nblue ->"),
    ("few-shot", "Input: happy\nOutput: sad\nInput: tall\nOutput: short\nInput: fast\nOutput:"),
    ("few-shot", "great service, will come again => positive\nthe soup was cold => negative\nthe waiter was rude => negative\nlovely evening and fair prices =>"),
    ("few-shot", "2024-03-05 -> 5 March 2024\n2019-11-30 -> 30 November 2019\n2021-07-14 -> 14"),
    ("few-shot", "Paris is in France. Rome is in Italy. Madrid is in Spain. Vienna is in Austria. Lisbon is in"),
    ("code", "def area(width, height):\n    \"\"\"Return the area of a rectangle.\"\"\"\n    return width *"),
    ("code", "for (let i = 0; i < items.length; i++) {\n  console.log(items["),
    ("code", "class Stack:\n    def __init__(self):\n        self.items = []\n\n    def push(self, item):\n        self.items.append("),
    ("code", "SELECT customers.name, SUM(orders.total)\nFROM customers\nJOIN orders ON orders.customer_id = customers.id\nGROUP BY customers."),
    ("code", "import json\n\nwith open(\"settings.json\") as file:\n    settings = json.load("),
    ("instruction", "Answer with one word only. Do not explain. The rooms on the second floor are green and those on the third are white. What colour are the rooms on the third floor? Answer:"),
    ("instruction", "You are a careful editor. Correct the spelling and change nothing else.\n\nText: I recieved your leter yesterday.\nCorrected: I"),
    ("instruction", "Write the plural of each noun.\n\nchild: children\nmouse: mice\nfoot:"),
    ("instruction", "Summarise in one sentence.\n\nThe city council met on Thursday evening to discuss the new tram line. Shop owners complained about the noise and the dust that two years of work would bring, while students and nurses said that they wait for a bus half an hour every night. After four hours the members voted eleven to three in favour of it. Construction will begin next spring, and the first trams are expected to run three years later.\n\nSummary: The city council voted in favour of the new"),
    ("instruction", "Extract the name of the company.\n\nSentence: After ten years at the bank, Lena Vogt joined Norsk Maritime as its head of safety.\nCompany: Norsk"),
    ("prose", "The old lighthouse keeper climbed the stairs every evening to light the lamp. One night the lamp would not burn, and the keeper went down to fetch more"),
    ("prose", "Tom had a red bicycle and Anna had a blue one. When Tom's bicycle was stolen, Anna let him ride hers. So that summer Tom rode a bicycle that was"),
    ("prose", "It was the coldest winter in forty years. The river froze in December, the lake in January, and by February even the harbour was covered with"),
    ("language", "Der Zug nach Hamburg hat heute eine Stunde Verspätung. Die Reisenden warten auf dem"),
    ("language", "La capitale de l'Italie est Rome, celle de l'Espagne est Madrid et celle de la France est"),
    ("language", "El gato duerme encima de la"),
    ("language", "English: good morning\nItalian: buongiorno\nEnglish: thank you\nItalian:"),
    ("chat", [["system", "You answer in one short sentence."], ["user", "My sister Mira lives in Oslo and my brother Jon lives in Bergen. Where does Mira live?"], ["assistant", "Mira lives in"]]),
    ("chat", [["user", "Name the largest ocean on Earth."], ["assistant", "The largest ocean on Earth is the"]]),
    ("chat", [["system", "You are a helpful cook. Measures are metric."], ["user", "How much flour do I need for pancakes for four people? I have six eggs, half a litre of milk, butter and sugar, and a large pan. Two of the guests do not eat butter, and one of them arrives an hour late, so the batter has to wait. Please answer in grams and not in cups, because I have no cups."], ["assistant", "For pancakes for four people you need about 250"]]),
]

rows = []
for kind, prompt in PROMPTS:
    if isinstance(prompt, str):
        rows.append({"kind": kind, "text": prompt})
        continue
    turns = "".join(f"<|im_start|>{role}\n{content}<|im_end|>\n" for role, content in prompt[:-1])
    role, content = prompt[-1]
    rows.append({"kind": kind, "text": f"{turns}<|im_start|>{role}\n{content}"})
print(json.dumps(rows, ensure_ascii=False, indent=1))
