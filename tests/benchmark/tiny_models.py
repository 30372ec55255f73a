"""A tiny random network of any model type of transformers: its default configuration, made small by the names of its
sizes."""

from __future__ import annotations

from itertools import cycle, islice
from typing import Any

WIDTH, LAYERS, HEADS, HEAD = 64, 4, 4, 16

# How large things are here, by what configurations call them; a name that a configuration does not have is left out.
_NAMES = """
64: hidden_size d_model n_embd embed_dim embedding_dim emb_dim dim word_embed_proj_dim embedding_size
64: attention_hidden_size input_embedding_size output_embedding_size lru_width projection_dim out_hidden_size
64: hidden_dim mm_hidden_size ple_embed_dim proj_dim moe_hidden_size moe_latent_size output_proj_dims
64: hidden_act_dim
4: num_hidden_layers num_layers n_layer n_layers decoder_layers layers num_blocks num_decoder_layers
4: max_window_layers
2: num_key_value_heads num_kv_heads encoder_layers num_experts_per_tok num_experts_per_token moe_topk depth
2: num_encoder_layers n_group topk_group num_local_experts_per_tok moe_k num_key_value_heads_per_layer
2: top_k_experts num_query_groups moe_top_k swa_num_key_value_heads num_global_key_value_heads mamba_n_groups
2: n_groups linear_num_key_heads num_expert_group mamba_ngroups index_n_heads num_sliding_key_value_heads top_k
2: num_zero_experts zero_expert_num
4: num_attention_heads n_head n_heads num_heads decoder_attention_heads encoder_attention_heads attention_heads
4: num_experts n_routed_experts num_local_experts moe_num_experts mamba_n_heads mamba_num_heads linear_num_heads
4: linear_num_value_heads swa_num_attention_heads num_sliding_attention_heads hidden_size_per_layer_input_heads
4: num_encoder_attention_heads num_decoder_attention_heads n_mamba_heads resampler_heads time_step_rank
4: mamba_dt_rank
8: q_lora_rank kv_lora_rank qk_nope_head_dim qk_rope_head_dim state_size ssm_state_size mamba_d_state
8: laurel_rank rotary_dim d_rel hc_lowrank gated_norm_rank o_lora_rank chunk_size mamba_chunk_size block_size
16: head_dim v_head_dim kv_channels d_kv dim_head linear_head_dim linear_key_head_dim linear_value_head_dim d_head
16: swa_head_dim index_head_dim global_head_dim hidden_size_per_layer_input attention_head_size sliding_window
16: sliding_window_size attention_window_size window_size qk_head_dim attention_head_dim image_size
16: query_pre_attn_scalar attention_chunk_size keep_window_size local_attention local_attention_window_len
128: intermediate_size ffn_dim moe_intermediate_size d_ff dim_ff dff feed_forward_size ffn_hidden_size
128: encoder_ffn_dim decoder_ffn_dim shared_intermediate_size shared_expert_intermediate_size d_inner
128: intermediate_size_mlp dense_intermediate_size expert_ffn_hidden_size moe_shared_expert_intermediate_size
128: shared_experts_intermediate_size share_expert_dim mamba_d_ssm block_ff_dim mamba_intermediate_size
64: index_topk
32: mamba_d_head mamba_head_dim rel_extent
256: max_position_embeddings n_positions max_seq_len n_ctx context_length max_target_positions
4: patch_size spatial_patch_size
"""
SIZES = {
    name: int(size) for size, _, names in (line.partition(":") for line in _NAMES.split("\n")) for name in names.split()
}

# What cannot be told from names: sizes that have to fit each other.
_ROPE = {"rope_type": "default", "rope_theta": 10000.0}
_SECTIONS = {"rope_parameters": {**_ROPE, "mrope_section": [2, 3, 3]}}  # thirds of half a head
_HALF_SECTIONS = {"rope_parameters": {**_ROPE, "partial_rotary_factor": 0.5, "mrope_section": [1, 1, 2]}}
_WIDE = {"attention_hidden_size": 2 * WIDTH, "attention_head_dim": 2 * HEAD}
_TEXT = {"text_config": _SECTIONS}
_HALF = {"text_config": _HALF_SECTIONS}
_HEAD = {"head_dim": HEAD}
_INDEXER = {
    "indexer_n_heads": 2,
    "indexer_kv_heads": 1,
    "indexer_head_dim": HEAD,
    "indexer_budget": 16,
    "indexer_compress_ratio": 4,
}
_BY_LAYER = {
    "layer_types": ["sliding_attention", "full_attention"] * 2,
    "rope_parameters": {"sliding_attention": _ROPE, "full_attention": _ROPE},
}
FITTING: dict[str, dict[str, Any]] = {
    "chameleon": {"vocabulary_map": {"<image>": 5}},
    "cohere_compass": {"text_config": _BY_LAYER},
    "cohere_compass_text": _BY_LAYER,
    "dbrx": {"attn_config": {"rope_theta": 10000.0, "clip_qkv": 8.0, "kv_n_heads": 2}},
    "deepseek_ocr2": {
        "text_config": {
            "mlp_layer_types": ["dense", "sparse"] * 2,
            "num_experts_per_tok": 2,
            "n_group": 1,
            "topk_group": 1,
        }
    },
    "deepseek_v2": {"num_experts_per_tok": 2},
    "dots3_note": {
        "vision_config": {"adapter_in_dim": WIDTH, "adapter_out_dim": WIDTH, "adapter_merge_size": 2},
        "audio_config": {"adapter_input_size": WIDTH, "adapter_out_dim": WIDTH},
    },
    "dots1": {**_HEAD, "n_routed_experts": 4, "n_shared_experts": 1, "num_experts_per_tok": 2},
    "ernie4_5_vl_moe": {"text_config": {"rope_parameters": {**_ROPE, "mrope_section": [3, 3, 2]}}},
    "fun_asr_nano": {"adaptor_config": {"intermediate_size": WIDTH // 4}},
    "gemma3n_text": {"num_kv_shared_layers": 0},
    "glm46v": _HALF,
    "glm4v": _HALF,
    "glm4v_moe": _HALF,
    "glm5_next": {
        "text_config": {"qk_rope_head_dim": 0, "index_kpool": 2, "index_topk": WIDTH, "num_key_value_heads": HEADS}
    },
    "glm_ocr": _HALF,
    "glmga": _HALF,
    "granite4_vision": {"deepstack_layer_map": [[0, 0], [1, 1]], "downsample_rate": "1/2"},
    "hunyuan_v1_dense": _HEAD,
    "hunyuan_v1_moe": _HEAD,
    "hunyuan_vl": {"text_config": {**_HEAD, "rope_parameters": {**_ROPE, "mrope_section": [2, 2, 2, 2]}}},
    "inkling2": {"vision_config": {"text_hidden_size": WIDTH}},
    "jamba": {"attn_layer_period": 2, "attn_layer_offset": 1},
    "kyutai_speech_to_text": {"audio_pad_token_id": 0, "codec_config": {"upsample_groups": WIDTH}},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"] * 2},
    "mamba2": {"head_dim": 2 * HEAD},
    "ministral": _HEAD,
    "mistral4": _HEAD,
    "molmo2": {"adapter_config": {"vision_feature_layer": [-1, -2]}},
    "nemo_speechlm": {"audio_config": {"diarization_config": {"head_config": {"audio_hidden_size": WIDTH}}}},
    "nemotron_h_omni": {"vision_config": {"video_temporal_patch_size": 2}},
    "nemotron": {**_HEAD, "num_key_value_heads": 2},
    "paddleocr_vl": _TEXT,
    "qwen2_5_omni_thinker": _TEXT,
    "qwen2_5_vl": _TEXT,
    "qwen2_5_omni": {"thinker_config": _TEXT},
    "qwen2_vl": _TEXT,
    "qwen4_exp": {"text_config": _INDEXER},
    "qwen4_exp_text": _INDEXER,
    "qwen3_omni_moe": {"enable_audio_output": False},
    "reformer": {"axial_pos_embds": False},
    "step3p7": {"text_config": {"sliding_window": HEAD}},
    "zamba": _WIDE,
    "zamba2": _WIDE,
    "zaya": {"num_experts_per_tok": 1},
}


def tiny_config(model_type: str, vocabulary: int) -> Any:
    """The configuration of this type, made small, its language model's vocabulary of this size."""
    from transformers import AutoConfig

    options = _merged(_small(AutoConfig.for_model(model_type), vocabulary), FITTING.get(model_type, {}))
    return AutoConfig.for_model(model_type, **options)


def _merged(options: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
    return options | {
        name: _merged(options.get(name, {}), value) if isinstance(value, dict) else value
        for name, value in others.items()
    }


def _small(default: Any, vocabulary: int) -> dict[str, Any]:
    """Options for the class of this configuration. One value a layer becomes one of each kind in turn."""
    known = default.to_dict()
    subs = {name: getattr(default, name) for name in default.sub_configs if getattr(default, name, None) is not None}
    options: dict[str, Any] = {name: SIZES[name] for name in SIZES if isinstance(known.get(name), int)}
    layers = next((known[name] for name in ("num_hidden_layers", "n_layers", "num_layers") if name in known), None)
    for name, value in known.items():
        if name in subs:
            options[name] = _small(subs[name], vocabulary) | {"model_type": subs[name].model_type}
        elif isinstance(value, list) and len(value) == layers and len(value) > 1:
            kinds = [value[index] for index in range(len(value)) if value[index] not in value[:index]]
            options[name] = list(islice(cycle(kinds), LAYERS))
    if "qk_rope_head_dim" in options:  # multi-head latent attention: every head has its own keys
        options["num_key_value_heads"] = HEADS
        if "head_dim" in options:
            options["head_dim"] = options["qk_rope_head_dim"]
    rope = known.get("rope_parameters")
    if isinstance(rope, dict) and "mrope_section" in rope:  # thirds of half a head
        options["rope_parameters"] = {**rope, "mrope_section": [2, 3, 3]}
    if "vocab_size" in known:
        options["vocab_size"] = vocabulary
    if known.get("is_decoder") is False:  # BERT and its kin, which are encoders unless told otherwise
        options["is_decoder"] = True
    return options | {"bos_token_id": 0, "pad_token_id": 0, "eos_token_id": 1}


def tiny_network(model_type: str, vocabulary: int) -> Any:
    """A seeded random network of this type; biases and norms are random too, so that nothing is right by being zero."""
    import torch

    from polyrefuse_data.benchmark.model_kind import auto_class

    config = tiny_config(model_type, vocabulary)
    torch.manual_seed(0)
    network = auto_class(config, model_type).from_config(config, attn_implementation="eager")
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_((0.2 * noise if parameter.ndim > 1 else parameter + 0.1 * noise).to(parameter.dtype))
    return network.eval()
