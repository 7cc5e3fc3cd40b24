//! The official clients for JavaScript, and Vercel's AI SDK, which holds every chunk to a schema.

use crate::harness::{scenario, scenarios};
use crate::{ANTHROPIC, OPENAI, TRANSLATED};

scenarios! { scenario, OPENAI;
    nodes_openai_talks => "node/openai", "chat,stream,leaving",
    nodes_openai_calls_tools => "node/openai", "tools,tools_streamed,structured",
    nodes_openai_raises => "node/openai", "gateway_errors,stream_errors,provider_errors",
    nodes_openai_embeds => "node/openai", "embeddings",
}

scenarios! { scenario, TRANSLATED;
    nodes_openai_asks_for_responses => "node/openai", "responses,responses_streamed",
    vercels_sdk_talks => "node/vercel", "chat,stream,reasoning,leaving",
    vercels_sdk_calls_tools => "node/vercel", "tools,tools_streamed,structured",
    vercels_sdk_raises => "node/vercel", "gateway_errors,stream_errors,provider_errors",
}

scenarios! { scenario, &["anew"];
    vercels_sdk_embeds => "node/vercel", "embeddings",
}

scenarios! { scenario, ANTHROPIC;
    claude_answers_nodes_openai => "node/openai", "chat,stream,tools,tools_streamed,structured",
    claude_fails_for_nodes_openai => "node/openai", "stream_errors,provider_errors,leaving",
    nodes_anthropic_talks => "node/anthropic", "chat,stream,count_tokens,leaving",
    nodes_anthropic_calls_tools => "node/anthropic", "tools,tools_streamed,thinking,signed",
    nodes_anthropic_raises => "node/anthropic", "gateway_errors,stream_errors,provider_errors",
}

scenarios! { scenario, OPENAI;
    gpt_answers_nodes_anthropic => "node/anthropic", "chat,stream,count_tokens,leaving",
    gpt_calls_the_tools_of_nodes_anthropic => "node/anthropic", "tools,tools_streamed,thinking,signed",
    gpt_fails_for_nodes_anthropic => "node/anthropic", "stream_errors,provider_errors",
}
