// Types of the wire, written from the doc comments of the `protocol` crate; do not edit. `PROTOCOL.md` says the same for people.

/** Version of the wire that these types are of. */
export const PROTOCOL_VERSION = 1;

/** One intervention, or several that act together: an object, its text, or a list of these. */
export type Change = Intervention | string | (Intervention | string)[];

/** Every method: its params and result. */
export interface Methods {
  "limpid/tokens": { params: TokensParams; result: Answer<TokensView> };
  "limpid/attribution": { params: AttributionParams; result: Answer<AttributionView> };
  "limpid/parts": { params: PartsParams; result: Answer<PartsView> };
  "limpid/routes": { params: RoutesParams; result: Answer<RoutesView> };
  "limpid/lens": { params: LensParams; result: Answer<LensView> };
  "limpid/node": { params: NodeParams; result: Answer<NodeCard> };
  "limpid/edge": { params: EdgeParams; result: Answer<EdgeCard> };
  "limpid/head": { params: HeadParams; result: Answer<HeadCard> };
  "limpid/mlp": { params: MlpParams; result: Answer<MlpCard> };
  "limpid/neuron": { params: NeuronParams; result: Answer<NeuronCard> };
  "limpid/render": { params: RenderParams; result: Answer<RenderedPrompt> };
  "limpid/continue": { params: ContinueParams; result: Answer<ContinuationView> };
  "limpid/effect": { params: EffectParams; result: Answer<EffectView> };
  "limpid/switches": { params: SwitchesParams; result: Answer<SwitchesView> };
  "limpid/compare": { params: CompareParams; result: Answer<CompareView> };
  "limpid/models": { params: ModelsParams; result: ModelsResult };
  "limpid/status": { params: StatusParams; result: StatusResult };
}

/** Params of `limpid/tokens`. */
export interface TokensParams {
  /** What it is about. */
  subject: Subject;
}

/** What a request is about: a `prompt`, or an `analysis` already made; `analysis` alone is the cheap way to ask on. */
export interface Subject {
  /** The prompt. May be left out when `analysis` is given; when both are, a changed document is answered with `stale-version`. */
  prompt?: PromptPlace | null;
  /** Id from an earlier answer: same text, model, target and foil, no second forward pass. One that is no longer kept is answered with `bad-request`. */
  analysis?: string | null;
  /** Name of the model; left out: the default model. */
  model?: string | null;
  /** What to explain; left out: the model's top token after the last token, or the target of `analysis`. */
  target?: TargetChoice | null;
  /** What to compare the target with: a token; with `target.answer` another answer to the tokens before it, a text of one token or more. */
  foil?: number | string | null;
  /** What is differentiated; left out: `logit_diff` when there is a foil, else `log_odds`. */
  objective?: Objective | null;
}

/** A prompt in an open document. */
export interface PromptPlace {
  /** The document, as the client opened it. */
  uri: string;
  /** Version of the document the client looks at; another version open in the daemon is answered with `stale-version`. */
  version: number;
  /** The selection that is the prompt. Left out: the whole document of a plain-text, Markdown or prompt file, else the paragraph at `at`. */
  range?: Range | null;
  /** The cursor, where `range` is left out and the document is not a prompt as a whole. */
  at?: Position | null;
}

/** A span of a document; `end` is exclusive. */
export interface Range {
  /** Where it starts. */
  start: Position;
  /** Where it ends. */
  end: Position;
}

/** A place in a document: between two characters. */
export interface Position {
  /** Line, counted from 0. */
  line: number;
  /** Code units before the place on its line; the unit (UTF-8, UTF-16 or UTF-32) is negotiated at `initialize`. */
  character: number;
}

/** What to explain. */
export interface TargetChoice {
  /** Index of the token after which it is predicted; left out: the last. */
  position?: number | null;
  /** The predicted token; left out: the model's top one. */
  token?: number | string | null;
  /** Tokens of the prompt to explain together, as an answer to those before them: then without `position` and `token`, and `subject.foil` is another answer. */
  answer?: AnswerRange | null;
}

/** A run of the prompt's tokens. */
export interface AnswerRange {
  /** Index of its first token, 1 or more. */
  start: number;
  /** One past the index of its last token. */
  end: number;
}

/** What is differentiated. */
export type Objective = "log_odds" | "logit_diff" | "logprob";

/** Tokens and predictions. */
export interface TokensView {
  /** The model. */
  model: ModelInfo;
  /** The tokens. */
  tokens: TokenRow[];
  /** What is explained. */
  target: Target;
  /** Top ten at the target's position. */
  predictions: Prediction[];
}

/** The model and the shapes a reader needs. */
export interface ModelInfo {
  /** Name it was asked for by. */
  name: string;
  /** Family, as its config names it: `llama`, `gpt2`, `gemma3_text`. */
  family: string;
  /** Decoder layers. */
  n_layers: number;
  /** Query heads a layer. */
  n_heads: number;
  /** Key and value heads a layer. */
  n_key_value_heads: number;
  /** Width of the residual stream. */
  d_model: number;
  /** Neurons a layer. */
  d_mlp: number;
  /** Tokens in the vocabulary. */
  d_vocab: number;
  /** Number type the weights are computed in: `f32`, `bf16`, or a quantised type's name. */
  dtype: string;
  /** Where it runs: `cpu`, `cuda:0`, `metal`. */
  device: string;
}

/** One token of the prompt. */
export interface TokenRow {
  /** Its index, counted from 0. */
  index: number;
  /** Its id in the vocabulary. */
  id: number;
  /** Its text, unescaped; bytes that are not UTF-8 by themselves are spelled `⟨0xE2⟩`. */
  text: string;
  /** First byte in the source; null for a token that was added (a beginning-of-sequence token, a template's text). */
  start?: number | null;
  /** One past its last byte in the source; null for an added token. */
  end?: number | null;
  /** Log-probability given the tokens before it, nats; null for the first. */
  logprob?: number | null;
  /** Its rank among all tokens given the tokens before it, 1 is the top; null for the first. */
  rank?: number | null;
}

/** The predicted token that is explained. */
export interface Target {
  /** Index of the token after which it is predicted. */
  position: number;
  /** Its id. */
  id: number;
  /** Its text, unescaped. */
  text: string;
  /** The token it is compared with; null without one. */
  foil?: VocabularyToken | null;
  /** The answer whose tokens are explained together; then `position` and `id` are its last token's. Left out where one token is explained. */
  answer?: AnswerSpan | null;
  /** The answer it is measured against: then scores, heads and neurons are differences. Left out without one. */
  foil_answer?: FoilAnswer | null;
}

/** A token of the vocabulary. */
export interface VocabularyToken {
  /** Its id. */
  id: number;
  /** Its text, unescaped; bytes that are not UTF-8 by themselves are spelled `⟨0xE2⟩`. */
  text: string;
}

/** Tokens of the prompt that are explained together, as an answer to those before them. */
export interface AnswerSpan {
  /** Index of its first token. */
  start: number;
  /** One past the index of its last token. */
  end: number;
  /** Sum of its tokens' log-probabilities, nats. */
  logprob: number;
}

/** Another answer to the same prompt. */
export interface FoilAnswer {
  /** Its tokens. */
  tokens: VocabularyToken[];
  /** Sum of its tokens' log-probabilities, nats. */
  logprob: number;
}

/** A likely next token. */
export interface Prediction {
  /** Its id. */
  id: number;
  /** Its text, unescaped. */
  text: string;
  /** Its logit. */
  logit: number;
  /** Its probability, 0..1. */
  prob: number;
}

/** What every answer about a prompt carries. */
export interface Answer<T> {
  /** Names text, model, target and foil; give it in `subject.analysis` to ask on cheaply. */
  analysis: string;
  /** Document version the answer holds for. */
  version: number;
  /** Name of the model that answered. */
  model: string;
  /** The prompt's tokens; the view names tokens by index into it. */
  token_table: TableToken[];
  /** The view itself. */
  view: T;
}

/** One token of the prompt, as an editor draws it. */
export interface TableToken {
  /** Its index, counted from 0. */
  index: number;
  /** Its id in the vocabulary. */
  id: number;
  /** Its text as all clients display it: escaped, cut to 24 columns. */
  display: string;
  /** Where it stands in the document, snapped outwards to whole characters; null for a token that was added. */
  range?: Range | null;
}

/** Params of `limpid/attribution`. */
export interface AttributionParams {
  /** What it is about. */
  subject: Subject;
  /** Methods, by name; the first is shown, all are in `others`. Left out: `atp`. */
  methods?: string[] | null;
  /** Rows of heads and of neurons; left out: 10. */
  top?: number | null;
}

/** Scores and rankings. */
export interface AttributionView {
  /** What is explained. */
  target: Target;
  /** Scores per token. */
  attribution: Attribution;
  /** Heads, strongest |attribution| first. */
  heads: HeadRow[];
  /** Neurons, strongest |attribution| first. */
  neurons: NeuronRow[];
}

/** Signed scores per token toward the target. */
export interface Attribution {
  /** The method shown, as `attribution.md` names it: `atp`, `atp_linear`, `atp_true`, `gradient_x_input_linear`, `flow`, `logit_attribution`. */
  method: string;
  /** What is differentiated. */
  objective: Objective;
  /** Unit of scores and value: `nats`, or `share` for `flow`. */
  unit: string;
  /** The objective itself. */
  value: number;
  /** One score a token; the target position itself scores 0 by definition under `atp`. */
  scores: number[];
  /** Measured: what hiding each token from later ones takes from the objective, nats; null: not measured (the target's own position cannot be). Left out while nothing is. */
  effects?: (number | null)[];
  /** How each score misleads about the effect; null where it does not, or is not known. Left out while nothing is measured. */
  disagreements?: (Disagreement | null)[];
  /** Scores of the other methods asked for, by name; left out when one method was asked for. */
  others?: Record<string, number[]> | null;
}

/** How a cheap score misleads. */
export type Disagreement = "sign" | "rank";

/** One attention head in a ranking. */
export interface HeadRow {
  /** Its layer. */
  layer: number;
  /** The head within the layer. */
  head: number;
  /** Share of the target's representation that came through it: the sum over its edges in the unpruned route graph, 0..1. */
  flow: number;
  /** Signed, in nats: true gradient times `z`, summed over positions. null until the second step of an analysis. */
  attribution?: number | null;
  /** The part of `attribution` of the target position alone. null until the second step. */
  attribution_at_target?: number | null;
  /** What its output at the target position writes straight to the objective, in nats. null until the second step. */
  logit_attribution?: number | null;
  /** Measured: what switching it off at every position takes from the objective, nats; positive supports the target. null: not measured. */
  effect?: number | null;
  /** How the attribution misleads about the effect; null where it does not, or is not known. */
  disagreement?: Disagreement | null;
  /** Tokens whose logits its output at the target position raises most. */
  promotes: TokenValue[];
  /** Tokens whose logits it lowers most. */
  suppresses: TokenValue[];
}

/** A token and what something adds to its logit. */
export interface TokenValue {
  /** Its id. */
  id: number;
  /** Its text, unescaped. */
  text: string;
  /** The value, in logits. */
  value: number;
}

/** One MLP neuron in a ranking. */
export interface NeuronRow {
  /** Its layer. */
  layer: number;
  /** The neuron within the layer. */
  neuron: number;
  /** Index of the token at whose position activation, sign case and flow are read. */
  position: number;
  /** What it writes its output direction with (`post`), at `position`. */
  activation: number;
  /** Signs behind the activation: `gate+ up-` and so on for a gated MLP, `pre+` or `pre-` for a plain one; zero counts as `+`. */
  sign_case: string;
  /** `flow(resid_post) * contribution` at `position`, 0..1. */
  flow: number;
  /** Signed, in nats: true gradient times activation, summed over positions. null until the second step of an analysis. */
  attribution?: number | null;
  /** The part of `attribution` of the target position alone. null until the second step. */
  attribution_at_target?: number | null;
  /** What it writes straight to the objective at the target position, in nats. null until the second step. */
  logit_attribution?: number | null;
  /** Measured: what switching it off at every position takes from the objective, nats; positive supports the target. null: not measured. */
  effect?: number | null;
  /** How the attribution misleads about the effect; null where it does not, or is not known. */
  disagreement?: Disagreement | null;
  /** Tokens whose logits it raises most now (swapped with `suppresses` when the activation is negative). */
  promotes: TokenValue[];
  /** Tokens whose logits it lowers most now. */
  suppresses: TokenValue[];
}

/** Params of `limpid/parts`. */
export interface PartsParams {
  /** What it is about. */
  subject: Subject;
  /** What the prompt is cut into. */
  by: PartBy;
  /** Attribution method, by name; left out: `atp`. */
  method?: string | null;
}

/** What a prompt is cut into. */
export type PartBy = "word" | "line" | "sentence" | "paragraph" | "example" | "message";

/** Parts of the prompt. */
export interface PartsView {
  /** What is explained. */
  target: Target;
  /** What the prompt was cut into. */
  by: PartBy;
  /** The attribution method. */
  method: string;
  /** Unit of attributions: `nats`, or `share` for `flow`. */
  unit: string;
  /** The parts, in the order of the prompt; `template` first. */
  parts: PartRow[];
}

/** A part of the prompt and what its tokens sum up to. Every token counts in exactly one part: the one that holds its first byte that is no whitespace. So flows and attributions of all rows sum to those of all tokens. Parts that no token falls into are left out. */
export interface PartRow {
  /** What it is. */
  kind: PartKind;
  /** A message's role, an example's name; null where it has none. */
  name?: string | null;
  /** Its text for display: escaped, without outer line breaks, cut in the middle. */
  text: string;
  /** First byte in the prompt's text; null for `template`. */
  start?: number | null;
  /** One past its last byte in the prompt's text; null for `template`. */
  end?: number | null;
  /** Its tokens; those of `template` may have others between them. */
  tokens: TokenSpan;
  /** How many they are. */
  n_tokens: number;
  /** Flow from its tokens to the prediction, 0..1, in the unpruned graph; over all rows they sum to what reached the input. */
  flow: number;
  /** Sum of its tokens' attributions, signed; unit as the attribution's. */
  attribution: number;
  /** Measured: what hiding it from what is behind it takes from the objective, nats; positive supports the target. null: not measured. */
  effect?: number | null;
  /** How the attribution misleads about the effect; null where it does not, or is not known. */
  disagreement?: Disagreement | null;
  /** Its share of the flow without the sink, 0..1; over all rows they sum to 1. Scale colours and bars by this. */
  share: number;
  /** Whether it holds the prompt's first token, which nearly every head reads whatever it says. */
  is_sink: boolean;
  /** What it sums up to without that token; null where it does not hold it. */
  without_sink?: PartScore | null;
}

/** What a part is. */
export type PartKind = "word" | "line" | "sentence" | "paragraph" | "example" | "message" | "text" | "template";

/** Neighbouring tokens of the prompt. */
export interface TokenSpan {
  /** Index of the first. */
  start: number;
  /** One past the last. */
  end: number;
}

/** Sums over some tokens. */
export interface PartScore {
  /** Flow from them to the prediction, 0..1. */
  flow: number;
  /** Sum of their attributions, signed; unit as the attribution's. */
  attribution: number;
}

/** Params of `limpid/routes`. */
export interface RoutesParams {
  /** What it is about. */
  subject: Subject;
  /** `mass=SHARE` or `lmtt=TAU`; left out: `mass=0.9`. */
  prune?: string | null;
  /** Edges at most: then they come strongest first, with the nodes that they touch and `steps`, and `shown` is of what is left. Left out: all, in the order of the graph. */
  max_edges?: number | null;
  /** Rows of heads and of neurons; left out: 10. */
  top?: number | null;
}

/** The graph and the rankings by flow. */
export interface RoutesView {
  /** What is explained. */
  target: Target;
  /** The graph. */
  routes: Routes;
  /** Heads, most flow first. */
  heads: HeadRow[];
  /** Neurons, most flow first. */
  neurons: NeuronRow[];
}

/** The pruned route graph. */
export interface Routes {
  /** How it was pruned, spelled as the flag: `mass=0.9` or `lmtt=0.04`. */
  prune: string;
  /** Share of the flow that still reaches input tokens over the edges shown, 0..1. Less than was asked for where nodes that carry almost nothing lose too much, or more than 50,000 edges would be needed: then the strongest are shown. */
  shown: number;
  /** Nodes. */
  nodes: RouteNode[];
  /** Edges. */
  edges: RouteEdge[];
  /** What fewer of the edges show, rising, about a hundred; only where `max_edges` was given, which sorts the edges. */
  steps?: RouteStep[];
}

/** A node that carries flow. */
export interface RouteNode {
  /** Its place in `nodes`, from 0; edges name nodes by it. */
  node: number;
  /** What it is. */
  kind: NodeKind;
  /** Its layer. */
  layer: number;
  /** Index of its token. */
  position: number;
  /** Share of the target's representation that passes through it, 0..1. */
  flow: number;
}

/** Kind of a node of the route graph. */
export type NodeKind = "embed" | "resid_mid" | "mlp" | "resid_post";

/** An edge, from the lower node to the upper one. */
export interface RouteEdge {
  /** Number of the lower node. */
  from: number;
  /** Number of the upper node. */
  to: number;
  /** What it is. */
  kind: EdgeKind;
  /** Share of the upper node that came along this edge, 0..1. */
  contribution: number;
  /** Share of the target that came along it: flow of the upper node times contribution, 0..1. */
  flow: number;
  /** Its heads, strongest first; empty unless the edge is attention. */
  heads: EdgeHead[];
}

/** Kind of an edge of the route graph. */
export type EdgeKind = "attention" | "residual" | "mlp_in" | "mlp_out";

/** A head's part of an attention edge. */
export interface EdgeHead {
  /** The head within the layer of the edge's upper node. */
  head: number;
  /** Its share of the upper node, 0..1. */
  contribution: number;
}

/** What the strongest edges show. */
export interface RouteStep {
  /** So many of `edges`, from the first on. */
  edges: number;
  /** Share of the flow that reaches input tokens over them, 0..1. */
  shown: number;
}

/** Params of `limpid/lens`. */
export interface LensParams {
  /** What it is about. */
  subject: Subject;
  /** Indices of the tokens wanted; left out: all. */
  positions?: number[] | null;
}

/** The grid. */
export interface LensView {
  /** What is explained. */
  target: Target;
  /** Token index of each column. */
  positions: number[];
  /** `[layer][column]`; layer 0 is the embedding, layer L + 1 the residual stream after block L. */
  lens: LensCell[][];
}

/** The logit lens at one layer and position. */
export interface LensCell {
  /** Id of the top token. */
  id: number;
  /** Its text, unescaped. */
  text: string;
  /** Its probability, 0..1. */
  prob: number;
  /** The target's probability, 0..1. */
  target_prob: number;
  /** The target's rank, 1 is the top. */
  target_rank: number;
}

/** Params of `limpid/node`. */
export interface NodeParams {
  /** What it is about. */
  subject: Subject;
  /** The node: `embed`, `resid_mid` or `resid_post`. */
  node: ComponentId;
  /** Tokens in each list; left out: 10. */
  top?: number | null;
}

/** A part of the model at a position. */
export interface ComponentId {
  /** What it is. */
  kind: ComponentKind;
  /** Its layer, counted from 0 at the embedding upwards. */
  layer: number;
  /** The head, for `head`. */
  head?: number | null;
  /** The neuron, for `neuron`. */
  neuron?: number | null;
  /** Index of the token at whose position it is looked at. */
  position: number;
}

/** What kind of part a `ComponentId` names. */
export type ComponentKind = "embed" | "resid_mid" | "resid_post" | "mlp" | "head" | "neuron";

/** A residual node. */
export interface NodeCard {
  /** The node. */
  node: ComponentId;
  /** Share of the target's representation that passes through it, 0..1; null when it carries too little to be in the graph. */
  flow?: number | null;
  /** Most likely tokens by the lens. */
  top: Prediction[];
  /** Least likely tokens, by logit. */
  bottom: TokenValue[];
  /** Tokens that gained most ranks over the node below; empty for an embedding. */
  gained: RankChange[];
  /** Tokens that lost most ranks. */
  lost: RankChange[];
}

/** A token whose rank changed. */
export interface RankChange {
  /** Its id. */
  id: number;
  /** Its text, unescaped. */
  text: string;
  /** Rank at the node below, 1 is the top. */
  before: number;
  /** Rank at this node. */
  after: number;
}

/** Params of `limpid/edge`. */
export interface EdgeParams {
  /** What it is about. */
  subject: Subject;
  /** The lower node. */
  from: ComponentId;
  /** The upper node. */
  to: ComponentId;
  /** Which of the edges between the two; left out: `attention` where there is one, else the only one. */
  kind?: EdgeKind | null;
}

/** An edge. */
export interface EdgeCard {
  /** The lower node. */
  from: ComponentId;
  /** The upper node. */
  to: ComponentId;
  /** What it is. */
  kind: EdgeKind;
  /** Share of the upper node that came along it, 0..1. */
  contribution: number;
  /** Share of the target that came along it, 0..1. */
  flow: number;
  /** Its heads, strongest first; empty unless attention. */
  heads: EdgeHeadRow[];
}

/** A head on an edge. */
export interface EdgeHeadRow {
  /** The head within the layer of the upper node. */
  head: number;
  /** Its share of the upper node along this edge, 0..1. */
  contribution: number;
  /** Its attention weight from the upper node's position to the lower one's, 0..1. */
  pattern: number;
  /** Tokens whose logits it raises most with what it moves along this edge. */
  promotes: TokenValue[];
  /** Tokens whose logits it lowers most. */
  suppresses: TokenValue[];
}

/** Params of `limpid/head`. */
export interface HeadParams {
  /** What it is about. */
  subject: Subject;
  /** Its layer. */
  layer: number;
  /** The head within the layer. */
  head: number;
  /** Index of the token whose row is shown; left out: the target's. */
  position?: number | null;
  /** Whether to answer the maps of all positions too. */
  maps?: boolean;
}

/** A head. */
export interface HeadCard {
  /** Its row of the ranking. */
  row: HeadRow;
  /** Index of the token whose rows follow. */
  position: number;
  /** Attention weights `[key_pos]` for key positions 0..=position, sum 1. */
  pattern: number[];
  /** Share of the residual stream at `position` that came through this head from each token `[key_pos]`, 0..1. */
  contribution: number[];
  /** What it does on this prompt; empty when nothing is told. */
  labels: HeadLabel[];
  /** Attention weights `[pos][key_pos]`, rows of growing length; left out unless asked for. */
  pattern_map?: number[][] | null;
  /** Contributions `[pos][key_pos]`, rows of growing length; left out unless asked for. */
  contribution_map?: number[][] | null;
}

/** What a head does, told from its attention on this prompt. */
export type HeadLabel = "previous-token" | "induction" | "duplicate-token" | "first-token-sink";

/** Params of `limpid/mlp`. */
export interface MlpParams {
  /** What it is about. */
  subject: Subject;
  /** Its layer. */
  layer: number;
  /** Index of the token; left out: the target's. */
  position?: number | null;
  /** Rows of neurons; left out: 10. */
  top?: number | null;
}

/** An MLP. */
export interface MlpCard {
  /** Its layer. */
  layer: number;
  /** Index of the token. */
  position: number;
  /** Share of `resid_post` that it wrote, 0..1. */
  contribution: number;
  /** Share of the target that came through it, 0..1; null when it carries too little to be in the graph. */
  flow?: number | null;
  /** Its neurons, most contribution first. */
  neurons: NeuronRow[];
  /** What the lens predicts at `resid_mid`. */
  before: Prediction[];
  /** What the lens predicts at `resid_post`. */
  after: Prediction[];
}

/** Params of `limpid/neuron`. */
export interface NeuronParams {
  /** What it is about. */
  subject: Subject;
  /** Its layer. */
  layer: number;
  /** The neuron within the layer. */
  neuron: number;
  /** Index of the token at whose position its row is read; left out: the target's. */
  position?: number | null;
}

/** A neuron. */
export interface NeuronCard {
  /** Its row of the ranking. */
  row: NeuronRow;
  /** `pre` at `position`: the gate of a gated MLP, the pre-activation of a plain one. */
  pre: number;
  /** `pre_linear` (up) at `position`; null for a plain MLP. */
  pre_linear?: number | null;
  /** Activation at every token. */
  activations: number[];
}

/** Params of `limpid/render`. */
export interface RenderParams {
  /** What it is about; target, foil and objective change nothing. */
  subject: Subject;
}

/** A prompt as the model sees it. */
export interface RenderedPrompt {
  /** All the model reads, but for a beginning-of-sequence token that a plain prompt gets. */
  text: string;
  /** The messages; none where the prompt is plain and no chat template is applied. */
  messages: RenderedMessage[];
  /** Its tokens; none where only a template was given, and no model. */
  tokens: RenderedToken[];
  /** What the chat template does that the document does not say, a sentence each. */
  notes?: string[];
}

/** A message of a chat, as the document says it. */
export interface RenderedMessage {
  /** `system`, `user`, `assistant`, `tool`. */
  role: string;
  /** What it says, escapes resolved and variables filled in. */
  content: string;
  /** The bytes of the source that its content stands in. */
  source: ByteSpan;
}

/** Bytes of the source. */
export interface ByteSpan {
  /** The first. */
  start: number;
  /** One past the last. */
  end: number;
}

/** A token of the rendered prompt. */
export interface RenderedToken {
  /** Its id in the vocabulary. */
  id: number;
  /** Its text, unescaped; bytes that are not UTF-8 by themselves are spelled `⟨0xE2⟩`. */
  text: string;
  /** The bytes of the source that it stands for; null for a token that was added (a beginning-of-sequence token, a template's text). */
  source?: ByteSpan | null;
}

/** Params of `limpid/continue`. */
export interface ContinueParams {
  /** What it is about; target, foil and objective play no part. */
  subject: Subject;
  /** Tokens at most, from 1 to the model's context window; left out: 32. */
  max_tokens?: number | null;
  /** Logits are divided by it; 0 takes the most likely token each time. Left out: 0. */
  temperature?: number | null;
  /** Draw from so many of the most likely tokens, from 1 on; left out: from all. */
  top_k?: number | null;
  /** Draw from the most likely tokens that together have this probability, above 0 and at most 1; left out: from all. */
  top_p?: number | null;
  /** What is drawn depends on it alone; left out: 0. */
  seed?: number | null;
  /** What is changed while it is written, together: then it is written with and without, side by side. An intervention, its text (`head 23.4`), or a list of these. Left out: nothing. */
  switches?: Change | null;
  /** Name of a set in the file of switches beside the document; it acts together with `switches`. Left out: none. */
  switch_set?: string | null;
  /** Texts that end the continuation, 16 at most, none of them empty; they are not part of it. */
  stop?: string[] | null;
  /** Token of the client's choosing for pieces by `$/progress`: a string or a whole number; left out: no pieces are sent. */
  partial_result_token?: number | string | null;
}

/** One change of a run. Positions are those of the prompt as it stands, whatever else is changed beside. May be written as text instead, as `limpid effect` takes it: `knockout 3`, `span 2:5`, `delete 3`, `replace 2:5=text`, `head 23.4@last`, `head 23.4=0.5x`, `mlp 3`, `neuron 2.12=10`, `edge 3.2 7<-4`. */
export interface Intervention {
  /** What is changed. */
  kind: InterventionKind;
  /** Index of a token. */
  token?: number | null;
  /** Index of the first token and one past the last. */
  span?: [number, number] | null;
  /** A layer, from 0. */
  layer?: number | null;
  /** A head within the layer (of `k` and `v` a key and value head). */
  head?: number | null;
  /** A neuron within the layer. */
  neuron?: number | null;
  /** A factor, or a value for every entry. */
  value?: number | null;
  /** Values, one for each entry. */
  values?: number[] | null;
  /** The one position where it is changed; left out: every position, those of tokens written behind the prompt too. */
  position?: number | null;
  /** Position that looks. */
  query?: number | null;
  /** Position that is looked at. */
  key?: number | null;
  /** An activation: `resid_pre`, `q`, `k`, `v`, `pattern`, `z`, `attn_out`, `resid_mid`, `pre`, `pre_linear`, `post`, `mlp_out`, `resid_post`. */
  hook?: string | null;
  /** Tokens that come in. */
  token_ids?: number[] | null;
  /** Text that comes in. */
  text?: string | null;
  /** The prompt that activations are taken from. */
  from?: PatchSource | null;
}

/** What is changed. */
export type InterventionKind = "knockout" | "span_knockout" | "edge_knockout" | "delete" | "replace" | "head_zero" | "head_scale" | "head_set" | "mlp_zero" | "mlp_scale" | "mlp_set" | "neuron_set" | "neuron_scale" | "direction_add" | "patch";

/** The prompt that activations are taken from. */
export interface PatchSource {
  /** As text. */
  text?: string | null;
  /** As tokens. */
  token_ids?: number[] | null;
}

/** The whole continuation. */
export interface ContinuationView {
  /** Its tokens; the last one may reach beyond the end of `text` where a stop string begins inside it. */
  tokens: ContinuedToken[];
  /** Its text. */
  text: string;
  /** Why it ended. */
  stopped_by: StoppedBy;
  /** The same prompt without the switches; left out where there are none. */
  unchanged?: UnchangedContinuation | null;
}

/** One token of a continuation. */
export interface ContinuedToken {
  /** Its id. */
  id: number;
  /** Its text, unescaped; bytes that are not UTF-8 by themselves are spelled `⟨0xE2⟩`. */
  text: string;
  /** Its log-probability under the model, whatever the sampling, nats. */
  logprob: number;
  /** Its probability under the model, 0..1. */
  prob: number;
  /** Its rank among all tokens, 1 is the top. */
  rank: number;
}

/** Why a continuation ended. */
export type StoppedBy = "eos" | "stop" | "length" | "window";

/** What would have been written without the switches. */
export interface UnchangedContinuation {
  /** Its tokens. */
  tokens: ContinuedToken[];
  /** Its text. */
  text: string;
  /** Why it ended. */
  stopped_by: StoppedBy;
  /** Index of the first token in which the two differ; null where they are the same. */
  first_difference?: number | null;
}

/** Params of `limpid/effect`. One of `interventions`, `set`, `subsets` and `sweep`; left out: `set: "parts"`. */
export interface EffectParams {
  /** What it is about. With a foil effects are of target minus foil. */
  subject: Subject;
  /** Runs to make, 65,536 at most: each an intervention, its text, or a list of those that act together. */
  interventions?: Change[] | null;
  /** A standard set of runs. */
  set?: EffectSet | null;
  /** Only parts that begin in this range of the document; left out: all of the prompt's. */
  within?: Range | null;
  /** Neurons of the set `neuron`; left out: 20. */
  top?: number | null;
  /** The edge of the set `edge_head`. */
  edge?: EffectEdge | null;
  /** Hide random halves of the parts of `set` (lines, where it is left out) so many times, and fit what each part adds: 10 to 4,096. */
  subsets?: number | null;
  /** What is drawn for `subsets` depends on it alone; left out: 0. */
  seed?: number | null;
  /** A causal trace: one run for each layer and position up to the target. */
  sweep?: SweepParams | null;
  /** What may be spent; left out: 128 runs for `parts`, else all that is asked for. */
  budget?: EffectBudget | null;
  /** Effects below so many nats count as none; left out: 0.05. */
  floor?: number | null;
  /** Token of the client's choosing for rows by `$/progress`: a string or a whole number; left out: none are sent before the result. */
  partial_result_token?: number | string | null;
}

/** Standard sets of runs. */
export type EffectSet = "parts" | "token" | "word" | "line" | "sentence" | "paragraph" | "example" | "message" | "head" | "head_at_target" | "mlp" | "neuron" | "edge_head";

/** An attention edge of the route graph. */
export interface EffectEdge {
  /** Its layer. */
  layer: number;
  /** Position that looks. */
  query: number;
  /** Position that is looked at. */
  key: number;
}

/** Activations of another prompt, put in layer by position. */
export interface SweepParams {
  /** `resid_post`, `attn_out` or `mlp_out`. */
  hook: string;
  /** The other prompt, of as many tokens. */
  from: PatchSource;
}

/** What may be spent; what is left when it is spent is not measured, and said to be. */
export interface EffectBudget {
  /** Runs at most; left out: all. */
  runs?: number | null;
  /** Seconds, looked at between batches of runs; left out: as long as it takes. */
  seconds?: number | null;
}

/** Effects. */
export interface EffectView {
  /** What is explained. */
  target: Target;
  /** What effects and scores are of. */
  objective: Objective;
  /** Effects below it, in nats, count as none. */
  floor: number;
  /** The clean run. */
  clean: Outcome;
  /** One row for each run that was measured, in the order asked for. */
  effects: EffectRow[];
  /** What was not measured: past the budget, or inside parts without effect. */
  unmeasured: Change[];
  /** Whether the budget ended it. */
  is_cut_short: boolean;
  /** The fit, for `subsets`; left out otherwise, and where the budget left fewer than ten of them. */
  fit?: SubsetFit | null;
  /** The grid, for `sweep`; left out otherwise. */
  sweep?: Sweep | null;
}

/** What a run predicts of the target; of an answer, sums over its tokens. */
export interface Outcome {
  /** The target's logit. */
  logit: number;
  /** `log P` of the target, nats. */
  logprob: number;
  /** `log(P / (1 - P))` of the target, nats. */
  log_odds: number;
  /** The target's logit minus the foil's; null without a foil. */
  logit_diff?: number | null;
}

/** One changed run. Values are those of the changed run. */
export interface EffectRow {
  /** What was changed. */
  intervention: Change;
  /** The part of the prompt that it hides; left out where it is about none. */
  part?: EffectPart | null;
  /** The target's logit; null where the run failed. */
  logit?: number | null;
  /** `log P` of the target, nats; null where the run failed. */
  logprob?: number | null;
  /** `log(P / (1 - P))` of the target, nats; null where the run failed. */
  log_odds?: number | null;
  /** The target's logit minus the foil's; null without a foil. */
  logit_diff?: number | null;
  /** KL(clean || changed) of the next-token distribution at the target, nats; null where the run failed. */
  kl?: number | null;
  /** The objective of the clean run minus the changed one's: positive supports the target. null where the run failed. */
  effect?: number | null;
  /** The cheap score of the same parts, same sign and unit; null where there is none. */
  score?: number | null;
  /** How the score misleads; null where it does not, or cannot be told. */
  disagreement?: Disagreement | null;
  /** Why there are no values; left out where there are. */
  error?: string | null;
}

/** A part of the prompt that was measured. */
export interface EffectPart {
  /** What it is; left out for a token. */
  kind?: PartKind | null;
  /** A message's role, an example's name; left out where it has none. */
  name?: string | null;
  /** Its text for display. */
  text: string;
  /** Its tokens. */
  tokens: TokenSpan;
  /** How many parts around it were measured: 0 for a message, 1 for a line of one, and so on. */
  depth: number;
}

/** A sparse linear fit of the objective on which parts are present, from runs with random halves of them hidden (ContextCite, arXiv 2409.00729). */
export interface SubsetFit {
  /** Every part. */
  parts: FittedPart[];
  /** The objective where every part is hidden, by the fit. */
  intercept: number;
  /** Runs that it was fitted to. */
  n_fitted: number;
  /** Runs that were held out. */
  n_held_out: number;
  /** Share of the variance of the held-out runs that it explains, at most 1; below 0 it is worse than their mean. null: they do not vary. */
  r2?: number | null;
  /** Rank correlation of predicted and measured held-out runs (the linear datamodeling score), -1..1. null: they do not vary. */
  spearman?: number | null;
}

/** What one part does when parts are hidden together, by a sparse linear fit. */
export interface FittedPart {
  /** The part. */
  part: EffectPart;
  /** What its presence adds to the objective, nats; 0: the fit needs it not. */
  weight: number;
}

/** Activations of another prompt put into this one, layer by position. */
export interface Sweep {
  /** The activation that was put in. */
  hook: string;
  /** The other prompt's tokens. */
  from_tokens: TokenRow[];
  /** What the other prompt predicts of the target. */
  from: Outcome;
  /** `[layer][position]`: how far the prediction went from this prompt's (0) to the other's (1), by the objective. null: not measured, or the two do not differ. */
  restored: ((number | null)[])[];
}

/** Params of `limpid/switches`. */
export interface SwitchesParams {
  /** Which prompt; target, foil and objective play no part. */
  subject: Subject;
  /** A set to add; left out: none. */
  save?: SwitchSet | null;
}

/** A set of switches. */
export interface SwitchSet {
  /** Its name. */
  name: string;
  /** What it changes, together. */
  switches: Change;
}

/** Sets of switches. */
export interface SwitchesView {
  /** The file beside the document, as a URI. */
  uri: string;
  /** The model that the file's switches are of; null where it does not say, or is not there. */
  model?: string | null;
  /** The sets in the file, in their order; none where it is not there. */
  sets: SwitchSet[];
  /** The text that the file is to have with the set that is to be saved; null without one. */
  text?: string | null;
}

/** Params of `limpid/compare`. */
export interface CompareParams {
  /** The first run; what fails in it fails the request. */
  subject: Subject;
  /** The other runs, 1 to 16. What one leaves out of prompt, model, target, foil and objective is as in `subject`; one with an `analysis` has all of these from there, also when its document has changed since. Another model's target and foil are tokens of the same text: where it has no such token, its own top one is explained; a target position is the same place of the text. */
  with: Subject[];
  /** What the prompts are cut into; left out: sentences, where the subject's prompt is one sentence lines, where it is one line words. */
  by?: PartBy | null;
  /** Attribution method, by name; left out: `atp`. */
  method?: string | null;
}

/** Runs side by side. */
export interface CompareView {
  /** What the prompts were cut into. */
  by: PartBy;
  /** The attribution method. */
  method: string;
  /** Unit of attributions and values: `nats`, or `share` for `flow`. */
  unit: string;
  /** The run of `subject`, then those of `with`. */
  runs: CompareRun[];
  /** The parts, in the order of the prompts; `template` first. */
  rows: CompareRow[];
}

/** One of the runs. */
export interface CompareRun {
  /** Names text, model, target and foil of the run; give it in `subject.analysis` to ask on. null where the run has no prompt. */
  analysis?: string | null;
  /** Name of the model; of a run that failed as it was asked for, empty for the default one. */
  model: string;
  /** What is explained; null where the run failed. */
  target?: Target | null;
  /** Top ten at the target's position; empty where the run failed. */
  predictions: Prediction[];
  /** The objective itself; null where the run failed. */
  value?: number | null;
  /** Tokens of the prompt; null where the run failed. */
  n_tokens?: number | null;
  /** Why there are no cells; left out where there are. */
  problem?: string | null;
}

/** A part, in all runs. */
export interface CompareRow {
  /** Its text for display, in the first run that has it. */
  text: string;
  /** What became of it from the first run's text to the second's. */
  change: RowChange;
  /** Where it matters. */
  reach: Reach;
  /** One a run; null where the run failed or lacks the part. */
  cells: (CompareCell | null)[];
}

/** What became of a part from the first run's text to the second's. */
export type RowChange = "same" | "changed" | "added" | "removed";

/** Where a part matters: where its share is 1.5 times an even one or more. A run that lacks it is one in which it does not; runs that failed do not count. */
export type Reach = "everywhere" | "some" | "nowhere";

/** A part in one run. */
export interface CompareCell {
  /** Its tokens in that run's prompt. */
  tokens: TokenSpan;
  /** Sum of its tokens' attributions, signed. */
  attribution: number;
  /** Flow from its tokens to the prediction, 0..1. */
  flow: number;
  /** Its part of all parts' |attribution|, the prompt's first token left aside, 0..1. */
  share: number;
}

/** Params of `limpid/models`. */
export interface ModelsParams {
  /** What to do. */
  action: ModelsAction;
  /** The model; needed by `unload`; left out for `load`: the default model. */
  name?: string | null;
}

/** What to do before the list is answered. */
export type ModelsAction = "list" | "load" | "unload";

/** The models after the action. */
export interface ModelsResult {
  /** The models. */
  models: ModelRow[];
}

/** One model the daemon knows. */
export interface ModelRow {
  /** Name to ask for it by. */
  name: string;
  /** What it is doing. */
  state: ModelState;
  /** Share done, 0..1, while fetching or loading; else null. */
  progress?: number | null;
  /** Device it is loaded on; else null. */
  device?: string | null;
  /** Bytes it takes: in memory when loaded, else on disk; null when unknown. */
  bytes?: number | null;
  /** Why it failed; else null. */
  problem?: string | null;
  /** Whether it is the one used when a request names none. */
  is_default: boolean;
}

/** What a model is doing. */
export type ModelState = "available" | "fetching" | "loading" | "loaded" | "failed";

/** Params of `limpid/status`: none. */
export type StatusParams = Record<string, never>;

/** What the daemon is, holds and does. */
export interface StatusResult {
  /** Version of the daemon. */
  version: string;
  /** Version of this protocol. */
  protocol: number;
  /** Process id. */
  pid: number;
  /** Seconds since it started. */
  uptime_s: number;
  /** Clients connected, the one that asks among them. */
  clients: number;
  /** Documents open, of all clients. */
  documents: number;
  /** Jobs waiting or running. */
  queue: number;
  /** Models. */
  models: ModelRow[];
  /** The trace cache. */
  cache: CacheStatus;
  /** Methods answered so far. */
  methods: MethodRow[];
}

/** The trace cache. */
export interface CacheStatus {
  /** Bytes held. */
  bytes: number;
  /** Requests answered from it. */
  hits: number;
  /** Requests that had to compute. */
  misses: number;
}

/** How often and how fast one method was answered. */
export interface MethodRow {
  /** The method. */
  method: string;
  /** Requests answered. */
  count: number;
  /** Median, milliseconds. */
  p50_ms: number;
  /** 99th percentile, milliseconds. */
  p99_ms: number;
}

/** One inspection: the object of `limpid inspect --format json`. */
export interface Inspection {
  /** The model. */
  model: ModelInfo;
  /** The prompt's tokens. */
  tokens: TokenRow[];
  /** What is explained. */
  target: Target;
  /** Top ten at the target's position. */
  predictions: Prediction[];
  /** `[layer][position]`, layer 0 is the embedding; left out unless asked for. */
  lens?: LensCell[][] | null;
  /** Scores per token; left out in the first step's answer. */
  attribution?: Attribution | null;
  /** Scores rolled up to parts of the prompt, in its order; left out unless asked for (`--by`). */
  parts?: PartRow[] | null;
  /** The pruned route graph. */
  routes: Routes;
  /** Heads, strongest first. */
  heads: HeadRow[];
  /** Neurons, strongest first; one row a neuron. */
  neurons: NeuronRow[];
  /** Times; left out unless asked for. */
  timings_ms?: TimingsMs | null;
}

/** Milliseconds per stage. */
export interface TimingsMs {
  /** Reading and preparing the weights; 0 when they were loaded. */
  load: number;
  /** Text to tokens. */
  tokenize: number;
  /** Traced forward pass; 0 when the trace was cached. */
  forward: number;
  /** Routes, lens, flow rankings. */
  analysis: number;
  /** Backward passes and attributions. */
  backward: number;
  /** Everything, start to answer. */
  total: number;
}

/** Params of the `$/progress` that brings a piece. */
export interface ContinuationProgress {
  /** The request's `partial_result_token`. */
  token: number | string;
  /** The piece. */
  value: ContinuationPiece;
}

/** What was written since the piece before. */
export interface ContinuationPiece {
  /** Which of the two it belongs to; left out without switches. */
  side?: ContinuationSide | null;
  /** Tokens. */
  tokens: ContinuedToken[];
  /** Text: whole characters, and nothing that could be the start of a stop string. */
  text: string;
}

/** One of two continuations side by side. */
export type ContinuationSide = "switched" | "unchanged";

/** What `limpid continue --format json` prints. */
export interface Continuation {
  /** The model. */
  model: ModelInfo;
  /** Its tokens. */
  tokens: ContinuedToken[];
  /** Its text. */
  text: string;
  /** Why it ended. */
  stopped_by: StoppedBy;
  /** What was changed; left out where nothing was. */
  switches?: Change | null;
  /** The same prompt without the switches; left out where there are none. */
  unchanged?: UnchangedContinuation | null;
  /** Milliseconds per stage. */
  timings_ms: ContinuationTimingsMs;
  /** Tokens a second behind the first one, which the prompt's own pass gives; null for a single token. */
  tokens_per_second?: number | null;
}

/** Milliseconds per stage of a continuation. */
export interface ContinuationTimingsMs {
  /** Reading and preparing the weights. */
  load: number;
  /** Text to tokens. */
  tokenize: number;
  /** The prompt's forward pass. */
  forward: number;
  /** From the end of that to the first token. */
  first_token: number;
  /** From the first token to the last. */
  decode: number;
  /** Everything, start to answer. */
  total: number;
}

/** Params of the `$/progress` that brings rows. */
export interface EffectProgress {
  /** The request's `partial_result_token`. */
  token: number | string;
  /** Rows measured since those before; ranks are compared in the result only. */
  value: EffectRow[];
}

/** What `limpid effect --format json` prints. */
export interface EffectReport {
  /** The model. */
  model: ModelInfo;
  /** The prompt's tokens. */
  tokens: TokenRow[];
  /** What is explained. */
  target: Target;
  /** What effects and scores are of. */
  objective: Objective;
  /** Effects below it, in nats, count as none. */
  floor: number;
  /** The clean run. */
  clean: Outcome;
  /** One row for each intervention that was measured, in the order asked for. */
  effects: EffectRow[];
  /** What the budget left unmeasured; left out where nothing was. */
  unmeasured?: Change[];
  /** The fit to runs with several parts hidden; left out unless asked for, and where the budget left fewer than ten of them. */
  subsets?: SubsetFit | null;
  /** The sweep; left out unless asked for. */
  sweep?: Sweep | null;
  /** Times. */
  timings_ms: EffectTimingsMs;
}

/** Milliseconds per stage. */
export interface EffectTimingsMs {
  /** Reading and preparing the weights. */
  load: number;
  /** Text to tokens. */
  tokenize: number;
  /** Traced forward passes of this prompt and of those it is patched from. */
  forward: number;
  /** Cheap scores. */
  scores: number;
  /** The changed runs. */
  measure: number;
  /** Everything, start to answer. */
  total: number;
}

/** `error.data`: the kind, and the figures that belong to it. */
export interface ErrorData {
  /** The kind. */
  kind: ErrorKind;
  /** Tokens in the prompt, for `context-window`; of one that is far too long, those of its first MiB. */
  n_tokens?: number | null;
  /** Tokens the model can see, for `context-window`. */
  n_ctx?: number | null;
  /** Bytes it would take, for `memory-budget`. */
  needed?: number | null;
  /** Bytes there are, for `memory-budget`. */
  available?: number | null;
  /** Version open in the daemon, for `stale-version`. */
  version?: number | null;
  /** Name of the model, for `model-loading`; left out when not even the default's name is known. */
  model?: string | null;
  /** Share of the model that is loaded, 0..1, for `model-loading`. */
  loaded?: number | null;
}

/** Kind of an error; its name stands in `error.data.kind`, its number in `error.code`. */
export type ErrorKind = "cancelled" | "stale-version" | "bad-request" | "internal" | "io" | "malformed-file" | "unknown-family" | "model-not-found" | "fetch-failed" | "context-window" | "memory-budget" | "not-finite" | "device" | "tensor" | "model-loading" | "document-not-open" | "empty-prompt";
