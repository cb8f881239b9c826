//! What the host offers.

wit_bindgen::generate!({
    path: ["wit/base/1", "wit/host/1"],
    inline: "
        package halle:sdk;
        world imports {
            import halle:host/log@1.0.0;
            import halle:host/progress@1.0.0;
            import halle:host/cancel@1.0.0;
            import halle:host/config@1.0.0;
            import halle:host/secrets@1.0.0;
            import halle:host/blobs@1.0.0;
            import halle:host/http@1.0.0;
            import halle:host/state@1.0.0;
            import halle:host/reference@1.0.0;
            import halle:host/datasets@1.0.0;
            import halle:host/source@1.0.0;
        }
    ",
    with: {
        "halle:base/types@1.0.0": crate::types,
        "halle:host/messages@1.0.0": crate::messages,
    },
    generate_all,
});
