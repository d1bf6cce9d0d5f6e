-- What words, numbers and kinds of lines mean: what `K` says about them. What it is, its unit, how it is got, what it is not.
-- What must not live here: figures of a run.
local M = {}

---@class limpid.Entry
---@field title string
---@field lines string[] sentences, a line each

---@type table<string, limpid.Entry>
M.ENTRIES = {
  flow = {
    title = "flow",
    lines = {
      "The share of the target's representation that came along here, in %.",
      "From the route graph: each node's inputs are weighed by how near they are to what they add up to.",
      "It says which way information went, not whether it helped: it has no sign.",
      "The prompt's first token often has much of it whatever it says, and sets no scale.",
    },
  },
  attribution = {
    title = "attribution ~",
    lines = {
      "An estimate of what switching the thing off would take from the prediction, signed, in nats.",
      "From one backward pass over activations (attribution patching): no changed run was made.",
      "It ranks well. Its size is not the effect's size, and its sign can be wrong: so it carries a ~.",
      "m measures the effect, which then stands beside it.",
    },
  },
  effect = {
    title = "effect",
    lines = {
      "What switching the thing off took from the objective, measured by running the model again, in nats.",
      "Positive: the thing supports the target. Negative: it opposes it.",
      "A token is hidden from all later ones; a head, MLP or neuron writes nothing, at every token.",
      "Effects do not add up: two together may take more or less than both apart.",
    },
  },
  disagreement = {
    title = "≠",
    lines = {
      "The estimate and the measured effect disagree: in sign, or the estimate ranks the thing wrongly.",
      "The effect is what counts; both numbers are shown.",
    },
  },
  probability = {
    title = "probability",
    lines = {
      "How likely the model holds the token as the next one, in %.",
      "The logit beside it is what the probability is made of, before all tokens are weighed together.",
      "<CR> explains this token instead. f compares with it: why not this one?",
    },
  },
  target = {
    title = "target",
    lines = {
      "The token that is explained: attributions and effects are about its log odds against everything else.",
      "Left to itself it is the model's likeliest one. t sets another.",
    },
  },
  foil = {
    title = "foil",
    lines = {
      "The token that the target is compared with: scores are then of the difference of the two logits.",
      "So they say what speaks for the target rather than the foil, not what speaks for both.",
    },
  },
  lens = {
    title = "logit lens",
    lines = {
      "What would be predicted if the model stopped at this layer: the residual stream, read by the last norm and the unembedding.",
      "P is a probability in %, rank #1 the likeliest token.",
      "It reads what is already written in the direction of the vocabulary; what is not may still be used by later layers.",
    },
  },
  shown = {
    title = "share shown",
    lines = {
      "How much of the flow still reaches tokens of the prompt over the edges that are drawn, in %.",
      "The strongest edges come first; - shows fewer, + more.",
      "What is left out is many weak edges, not nothing.",
    },
  },
  routes = {
    title = "routes",
    lines = {
      "The way to the prediction, from the top layer down. Numbers are flow, in %.",
      "A line is a layer of one token's residual stream: what it is made of, most flow first.",
      "Indented lines are other tokens that attention read there. +5 behind a head: so many more heads of the same edge.",
      "↑ stands further up already, ↓ further down; ⋯ are layers in which nothing branches.",
      "zo, zc and za open and close what hangs below.",
    },
  },
  node = {
    title = "residual node",
    lines = {
      "The residual stream of one token at one layer: the sum of all that was written to it so far.",
      "It is passed on and added to; it cannot be switched off itself, only what writes to it.",
      "<CR> shows what would be predicted from it.",
    },
  },
  edge = {
    title = "edge",
    lines = {
      "What one node gave to another: attention moves it between tokens, the residual stream and the MLP keep it at its own.",
      "Flow, in %, is the share of the target that came along it.",
      "Attention has heads; <CR> ranks those of this edge.",
    },
  },
  contribution = {
    title = "contribution",
    lines = {
      "The share of the node that this input makes up, in %, by how near it is to the sum of all inputs.",
      "It is of the node above; flow is of the target.",
    },
  },
  attention = {
    title = "attention",
    lines = {
      "How much a head looks at each token, in %; a row sums to 100 %.",
      "brings: the share of the residual stream that came through this head from there.",
      "Much attention may bring little: heads that have nothing to do rest on the first token.",
    },
  },
  head = {
    title = "attention head",
    lines = {
      "It reads earlier tokens, weighs them by its attention, and writes what it read to its own token's stream.",
      "L9H6 is head 6 of layer 9, both counted from 0.",
      "<CR> shows where it looks and what it writes, m measures it, x switches it off.",
    },
  },
  label = {
    title = "type of a head",
    lines = {
      "Told from its attention on this prompt alone.",
      "It looks at the token before, behind an earlier copy of this token (induction), at such a copy, or rests on the first token.",
      "On another prompt the same head may do something else.",
    },
  },
  at_target = {
    title = "at the target",
    lines = {
      "The part of the attribution that comes from the target's own position, in nats.",
      "The rest is what the head does at earlier tokens.",
    },
  },
  directly = {
    title = "writes directly",
    lines = {
      "What it adds straight to the objective at the target's position, in nats, with nothing behind it changed.",
      "It says where it writes, not what it does: later layers may undo or use it.",
    },
  },
  mlp = {
    title = "MLP",
    lines = {
      "The part of a layer that works on each token by itself: neurons that fire on what the stream holds, and write to it.",
      "wrote: the share of the stream behind it that is its own, in %.",
      "<CR> shows its strongest neurons, and what would be predicted before and after it.",
    },
  },
  neuron = {
    title = "neuron",
    lines = {
      "One entry of an MLP: a direction that it writes, times how strongly it fires.",
      "L14 N873 is neuron 873 of layer 14, both counted from 0.",
      "<CR> shows where it fires and what it promotes, m measures it, x switches it off.",
    },
  },
  activation = {
    title = "activation",
    lines = {
      "What a neuron writes its direction with, at each token; it has no unit.",
      "A negative one writes the direction reversed.",
    },
  },
  gate = {
    title = "gate and up",
    lines = {
      "A gated MLP multiplies two projections: the gate, passed through its activation function, and up.",
      "Signs decide which way round it writes; a negative gate lets only a little through.",
      "pre is the one projection of a plain MLP.",
    },
  },
  promotes = {
    title = "promotes, suppresses",
    lines = {
      "Tokens whose logits its output raises, or lowers, most, in logits.",
      "Read with the unembedding alone: what later layers make of it is not in these numbers.",
    },
  },
  gained = {
    title = "ranks gained and lost",
    lines = {
      "Tokens that the block below moved most among the likeliest: their rank by the logit lens before it and behind it.",
      "#1 is the likeliest of the whole vocabulary.",
    },
  },
  token = {
    title = "token",
    lines = {
      "A piece of the prompt as the model reads it. · is a space, ↵ a line break, → a tab.",
      "Colour: how it supports or opposes the target; the box is where the prediction is made.",
      "<CR> shows what it does, who reads it and what would be predicted there.",
    },
  },
  surprisal = {
    title = "predicted itself",
    lines = {
      "How likely the token was, given those before it: its probability, its rank, its log-probability in nats.",
      "A token that the model did not expect carries news.",
    },
  },
  part = {
    title = "part",
    lines = {
      "A word, line, sentence, message or example: the sums over its tokens.",
      "Flow in %, attribution and effect in nats. Hiding a part hides all its tokens from what is behind it.",
      "Where it holds the prompt's first token, numbers leave that token out.",
    },
  },
  switch = {
    title = "switch",
    lines = {
      "A change that holds while it is in the list: something off, scaled, or set. All of them act together.",
      "Continuations are then written with and without them. x takes the one at the cursor away.",
    },
  },
  continuation = {
    title = "continuation",
    lines = {
      "What the model writes on, the likeliest token each time.",
      "With switches it is written twice, and the first token that differs is marked: from there on the two read different texts.",
    },
  },
  fit = {
    title = "parts hidden together",
    lines = {
      "Random halves of the parts were hidden, and a sparse linear fit says what each adds, in nats.",
      "How much of runs held out it explains is said with it; where that is little, so is it worth.",
    },
  },
  compare = {
    title = "compare",
    lines = {
      "The same parts in several runs: bars are a part's share of all attribution there, numbers its attribution.",
      "Parts that changed come first, then the widest gaps.",
      "A part matters where its share is at least one and a half times an even one.",
    },
  },
  components = {
    title = "heads, neurons and MLPs",
    lines = {
      "What the model is made of, strongest attribution first; the ones with most flow are among them.",
      "m measures the one at the cursor, x switches it off, <CR> opens it.",
    },
  },
  run = {
    title = "run",
    lines = {
      "One inspection: a text, a model, a target. It stays about the text as it was, also when that has changed.",
      "The time is from the question to the first answer; cached: nothing was computed anew.",
    },
  },
  model = {
    title = "model",
    lines = { "The model that answered, and the device it runs on.", ":Limpid chooseModel takes another." },
  },
}

--- Words that mean the same.
local SAME = {
  heads = "head",
  neurons = "neuron",
  MLPs = "mlp",
  prediction = "probability",
  effects = "effect",
  change = "effect",
  parts = "part",
  suppresses = "promotes",
  ["least likely"] = "lens",
  score = "attribution",
}

---@param word string
---@return limpid.Entry?
function M.entry(word)
  return M.ENTRIES[word] or M.ENTRIES[SAME[word] or ""]
end

--- What `K` says about a line; nil where there is nothing to say.
---@param about limpid.About
---@return limpid.Entry?
function M.explain(about)
  return M.entry(about.kind == "word" and about.word or about.kind)
end

return M
