//! Types and traits generated from `wit/`: the shared packages once, then one world per kind on top of them.

/// `halle:base` and `halle:host`, with every interface that any kind may import.
pub mod shared {
    wasmtime::component::bindgen!({
        path: ["../../wit/base/1", "../../wit/host/1"],
        inline: "
            package halle:shared@1.0.0;
            world everything {
                import halle:host/log@1.0.0;
                import halle:host/progress@1.0.0;
                import halle:host/cancel@1.0.0;
                import halle:host/config@1.0.0;
                import halle:host/secrets@1.0.0;
                import halle:host/blobs@1.0.0;
                import halle:host/messages@1.0.0;
                import halle:host/http@1.0.0;
                import halle:host/state@1.0.0;
                import halle:host/reference@1.0.0;
                import halle:host/datasets@1.0.0;
                import halle:host/source@1.0.0;
            }
        ",
        world: "halle:shared/everything",
        imports: { default: async | trappable },
        with: {
            "halle:host/blobs.blob": crate::interfaces::blobs::BlobHandle,
            "halle:host/blobs.blob-writer": crate::interfaces::blobs::BlobWriterHandle,
            "halle:host/blobs.line-reader": crate::interfaces::blobs::LineReaderHandle,
            "halle:host/blobs.row-reader": crate::interfaces::blobs::RowReaderHandle,
            "halle:host/reference.table": crate::interfaces::reference::TableHandle,
            "halle:host/datasets.reader": crate::interfaces::datasets::ReaderHandle,
            "halle:host/datasets.writer": crate::interfaces::datasets::WriterHandle,
        },
    });
}

/// World `catalog-connector`.
pub mod catalog {
    wasmtime::component::bindgen!({
        path: ["../../wit/base/1", "../../wit/host/1", "../../wit/catalog/1"],
        world: "halle:catalog/catalog-connector",
        imports: { default: async | trappable },
        exports: { default: async },
        with: {
            "halle:base": super::shared::halle::base,
            "halle:host": super::shared::halle::host,
        },
    });
}

/// World `processing`.
pub mod processing {
    wasmtime::component::bindgen!({
        path: ["../../wit/base/1", "../../wit/host/1", "../../wit/processing/1"],
        world: "halle:processing/processing",
        imports: { default: async | trappable },
        exports: { default: async },
        with: {
            "halle:base": super::shared::halle::base,
            "halle:host": super::shared::halle::host,
        },
    });
}

/// World `enricher`.
pub mod enricher {
    wasmtime::component::bindgen!({
        path: ["../../wit/base/1", "../../wit/host/1", "../../wit/enricher/1"],
        world: "halle:enricher/enricher",
        imports: { default: async | trappable },
        exports: { default: async },
        with: {
            "halle:base": super::shared::halle::base,
            "halle:host": super::shared::halle::host,
        },
    });
}

/// World `visualisation`.
pub mod visualisation {
    wasmtime::component::bindgen!({
        path: ["../../wit/base/1", "../../wit/host/1", "../../wit/visualisation/1"],
        world: "halle:visualisation/visualisation",
        imports: { default: async | trappable },
        exports: { default: async },
        with: {
            "halle:base": super::shared::halle::base,
            "halle:host": super::shared::halle::host,
        },
    });
}

/// World `remote-service`.
pub mod remote_service {
    wasmtime::component::bindgen!({
        path: ["../../wit/base/1", "../../wit/host/1", "../../wit/remote-service/1"],
        world: "halle:remote-service/remote-service",
        imports: { default: async | trappable },
        exports: { default: async },
        with: {
            "halle:base": super::shared::halle::base,
            "halle:host": super::shared::halle::host,
        },
    });
}
