//! Gemini and Bedrock as their vendors' own libraries know them: what Alfred sends them is judged by
//! `google-genai` and `botocore`, which make the answers too, and every client is content with what
//! comes of those.

use crate::harness::{judged, scenarios};

scenarios! { judged, "gem";
    google_takes_every_request => "wire",
        "parameters,systems,tools,results,pictures,documents,schemas,thoughts",
    google_answers_openais_client => "openai",
        "chat,strict,images,stops,cached_usage,parallel_results,raw_headers,concurrent",
    google_streams_to_openais_client => "openai", "stream,stream_timing,timeouts,leaving",
    google_calls_the_tools_of_openais_client => "openai",
        "tools,tools_streamed,structured,reasoning,signed",
    google_fails_for_openais_client => "openai", "stream_errors,retries,provider_errors",
    google_answers_anthropics_client => "anthropic",
        "chat,stops,images,count_tokens,stream,cached_usage,concurrent",
    google_calls_the_tools_of_anthropics_client => "anthropic",
        "tools,tools_streamed,structured,thinking,signed",
    google_fails_for_anthropics_client => "anthropic", "stream_errors,provider_errors",
    google_answers_responses => "responses", "whole,streamed,tools,reasoning,structured,errors",
    google_answers_langchain => "langchain",
        "chat,stream,tools,tools_streamed,images,structured,reasoning,cached_usage",
    google_answers_mistrals_client => "mistral", "chat,stream,images,structured,reasoning,tools",
    google_answers_nodes_openai => "node/openai",
        "chat,stream,tools,tools_streamed,structured,leaving,responses,responses_streamed",
    google_answers_nodes_anthropic => "node/anthropic",
        "chat,stream,tools,tools_streamed,thinking,signed,leaving,stream_errors,provider_errors",
    google_answers_vercels_sdk => "node/vercel",
        "chat,stream,tools,tools_streamed,structured,reasoning,leaving,embeddings,\
         stream_errors,provider_errors",
}

scenarios! { judged, "gem";
    google_takes_what_applications_once_sent => "recorded", "chats,messages,responses",
}

scenarios! { judged, "gem/gemini-2.5-flash";
    google_takes_the_requests_of_an_older_model => "wire",
        "parameters,systems,tools,results,pictures,documents,schemas,thoughts",
}

scenarios! { judged, "aws";
    aws_takes_every_request => "wire",
        "parameters,systems,tools,results,pictures,documents,schemas,thoughts,embeddings",
    aws_answers_openais_client => "openai",
        "chat,strict,images,stops,cached_usage,parallel_results,raw_headers,concurrent",
    aws_streams_to_openais_client => "openai", "stream,timeouts,leaving",
    aws_calls_the_tools_of_openais_client => "openai",
        "tools,tools_streamed,structured,reasoning,signed",
    aws_fails_for_openais_client => "openai", "stream_errors,retries,provider_errors",
    aws_answers_anthropics_client => "anthropic",
        "chat,stops,count_tokens,stream,cached_usage,concurrent",
    aws_calls_the_tools_of_anthropics_client => "anthropic",
        "tools,tools_streamed,structured,thinking,signed",
    aws_fails_for_anthropics_client => "anthropic", "stream_errors,provider_errors",
    aws_answers_responses => "responses", "whole,streamed,tools,reasoning,structured,errors",
    // It does not say how much of its answer was thought.
    aws_answers_langchain => "langchain",
        "chat,stream,tools,tools_streamed,images,structured,cached_usage",
    aws_answers_mistrals_client => "mistral", "chat,stream,images,structured,reasoning",
    aws_answers_nodes_openai => "node/openai",
        "chat,stream,tools,tools_streamed,structured,leaving,responses,responses_streamed",
    aws_answers_nodes_anthropic => "node/anthropic",
        "chat,stream,tools,tools_streamed,thinking,signed,leaving,stream_errors,provider_errors",
    aws_answers_vercels_sdk => "node/vercel",
        "chat,stream,tools,tools_streamed,structured,reasoning,leaving,stream_errors,provider_errors",
}

scenarios! { judged, "aws";
    aws_takes_what_applications_once_sent => "recorded", "chats,messages,responses",
}

scenarios! { judged, "plain";
    aws_knows_credentials_that_do_not_end => "openai", "chat,stream,tools",
}

scenarios! { judged, "bearer";
    aws_knows_keys_of_its_own => "openai", "chat,stream,tools",
}

// Names with a colon and with slashes, and makers whose models have rules of their own.
scenarios! { judged, "aws/anthropic.claude-sonnet-4-5-20250929-v1:0";
    aws_takes_the_requests_of_a_claude => "wire",
        "parameters,systems,tools,results,pictures,documents,schemas,thoughts",
    a_claude_at_aws_takes_what_applications_once_sent => "recorded", "chats,messages,responses",
    a_claude_at_aws_answers_anthropics_client => "anthropic", "strict,count_tokens,tools,thinking,signed",
}

scenarios! { judged, "aws/us.amazon.nova-pro-v1:0";
    aws_takes_the_requests_of_a_nova => "wire",
        "parameters,systems,tools,results,pictures,documents,schemas,thoughts",
    a_nova_takes_what_applications_once_sent => "recorded", "chats,messages,responses",
}

scenarios! { judged,
    "aws/arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/a1b2c3";
    aws_takes_the_name_of_a_resource => "wire", "parameters,systems,tools,results",
    a_resource_of_aws_answers_openais_client => "openai", "chat,stream,tools",
}
