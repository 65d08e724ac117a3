// swift-tools-version: 6.2

import PackageDescription

/// `scripts/fuzz` builds our own modules with libFuzzer's coverage, and their tests' way in, optimized. What we depend on is
/// built as ever: so the search is led by our code, and a run costs a look at our counters only.
let fuzzingSettings: [SwiftSetting] =
    Context.environment["MILLRACE_FUZZING"] == nil ? [] : [.unsafeFlags(["-sanitize=fuzzer", "-enable-testing"])]

/// The rules of `docs/conventions.md` that the compiler can enforce, the same for every target of ours.
let swiftSettings: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        .treatAllWarnings(as: .error),
    ] + fuzzingSettings

/// Generated code keeps its generator's style; only the language mode is ours.
let generatedSettings: [SwiftSetting] = [.swiftLanguageMode(.v6)]

let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioConcurrency = Target.Dependency.product(name: "NIOConcurrencyHelpers", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cryptoExtras = Target.Dependency.product(name: "_CryptoExtras", package: "swift-crypto")
let x509 = Target.Dependency.product(name: "X509", package: "swift-certificates")
let asn1 = Target.Dependency.product(name: "SwiftASN1", package: "swift-asn1")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let grpcCore = Target.Dependency.product(name: "GRPCCore", package: "grpc-swift-2")
let grpcTransport = Target.Dependency.product(name: "GRPCNIOTransportHTTP2", package: "grpc-swift-nio-transport")
let grpcProtobuf = Target.Dependency.product(name: "GRPCProtobuf", package: "grpc-swift-protobuf")
let swiftProtobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let jwtKit = Target.Dependency.product(name: "JWTKit", package: "jwt-kit")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdTLS = Target.Dependency.product(name: "HummingbirdTLS", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let nioHTTPTypes = Target.Dependency.product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioHTTPTypesHTTP1 = Target.Dependency.product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let histogram = Target.Dependency.product(name: "Histogram", package: "hdrhistogram-swift")
let serviceLifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")

let package = Package(
    name: "millrace",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "millrace", targets: ["millrace"]),
        .library(name: "ChangeEvents", targets: ["ChangeEvents"]),
        .library(name: "SOQL", targets: ["SOQL"]),
        .library(name: "Store", targets: ["Store"]),
        .library(name: "Matching", targets: ["Matching"]),
        .library(name: "Twin", targets: ["Twin"]),
        .library(name: "Doors", targets: ["Doors"]),
        // For the benchmarks.
        .library(name: "PubSubAPI", targets: ["PubSubAPI"]),
        .library(name: "Sandbox", targets: ["Sandbox"]),
        // For the package `Fuzzing`.
        .library(name: "FuzzTargets", targets: ["FuzzTargets"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.2"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.1"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        // Floor 1
        .target(
            name: "ChangeEvents", dependencies: [nio, crypto], exclude: ["DESIGN.md"], swiftSettings: swiftSettings),
        .target(name: "SOQL", swiftSettings: swiftSettings),
        .target(name: "Waiting", swiftSettings: swiftSettings),
        .target(name: "CrashPoints", swiftSettings: swiftSettings),
        .target(name: "CSV", swiftSettings: swiftSettings),
        .target(
            name: "PubSubAPI", dependencies: [grpcCore, grpcProtobuf, swiftProtobuf], exclude: ["pubsub_api.proto"],
            swiftSettings: generatedSettings),
        // Floor 2
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
        .target(
            name: "Store", dependencies: ["ChangeEvents", "SOQL", "CPostgres", "CrashPoints", grdb, nio],
            swiftSettings: swiftSettings),
        .target(name: "Matching", dependencies: ["ChangeEvents", "SOQL"], swiftSettings: swiftSettings),
        // Floor 3
        .target(
            name: "Upstream",
            dependencies: [
                "ChangeEvents", "CSV", "PubSubAPI", "Waiting", grpcCore, grpcTransport, grpcProtobuf, asyncHTTPClient,
                jwtKit, nio, nioHTTP1, nioSSL, logging, crypto, cryptoExtras,
            ], swiftSettings: swiftSettings),
        .target(
            name: "Twin", dependencies: ["ChangeEvents", "Store", "SOQL", "CrashPoints", logging, nio],
            swiftSettings: swiftSettings),
        // Floor 4
        .target(name: "CPushLoop"),
        .target(name: "CZlib", linkerSettings: [.linkedLibrary("z")]),
        .target(
            name: "Doors",
            dependencies: [
                "ChangeEvents", "SOQL", "CSV", "Store", "Matching", "Twin", "PubSubAPI", "CPushLoop", "CZlib",
                "Waiting", grpcCore, grpcTransport,
                grpcProtobuf, hummingbird, hummingbirdCore, hummingbirdTLS, httpTypes, nio, nioPosix, nioHTTP1, nioSSL,
                nioHTTPTypes, nioHTTPTypesHTTP1, nioConcurrency, jwtKit, logging, crypto, cryptoExtras,
                serviceLifecycle,
            ], swiftSettings: swiftSettings),
        .target(
            name: "Sandbox",
            dependencies: [
                "ChangeEvents", "SOQL", "CSV", "Store", "Matching", "Twin", "Doors", nio, nioPosix, crypto,
                cryptoExtras, x509, asn1, jwtKit, logging,
            ], swiftSettings: swiftSettings),
        // Floor 5
        .executableTarget(
            name: "millrace",
            dependencies: [
                "ChangeEvents", "SOQL", "Store", "Matching", "Twin", "Upstream", "Doors", "Sandbox", "CPushLoop",
                "CrashPoints", argumentParser, yams, histogram,
                logging, jwtKit, serviceLifecycle, unixSignals, nio, nioPosix, nioEmbedded, nioSSL, crypto,
                cryptoExtras, hummingbird, httpTypes, asyncHTTPClient, nioHTTP1,
            ],
            resources: [
                .embedInCode("DemoPage/index.html"),
                .embedInCode("DemoPage/page.js"),
                .embedInCode("DemoPage/style.css"),
                // A link to clients/javascript/millrace.js: the demo runs the very file that users get.
                .embedInCode("DemoPage/millrace.js"),
                .embedInCode("SandboxPage/sandbox.html"),
                .embedInCode("SandboxPage/sandbox.css"),
                .embedInCode("SandboxPage/sandbox.js"),
                .embedInCode("SandboxPage/api.js"),
                .embedInCode("SandboxPage/overview.js"),
                .embedInCode("SandboxPage/records.js"),
                .embedInCode("SandboxPage/events.js"),
                .embedInCode("SandboxPage/usage.js"),
                .embedInCode("SandboxPage/faults.js"),
            ],
            swiftSettings: swiftSettings),
        // Tests
        .executableTarget(
            name: "avro-oracle", dependencies: ["ChangeEvents", nio], path: "Tests/AvroOracle",
            swiftSettings: swiftSettings),
        .executableTarget(
            name: "websocket-echo", dependencies: ["Doors", nio], path: "Tests/WebSocketEcho",
            swiftSettings: swiftSettings),
        .target(
            name: "TestSupport", dependencies: ["ChangeEvents", "Store", nio, nioPosix], path: "Tests/TestSupport",
            swiftSettings: swiftSettings),
        .testTarget(
            name: "ChangeEventsTests", dependencies: ["ChangeEvents", "TestSupport", nio, crypto],
            swiftSettings: swiftSettings),
        .testTarget(name: "SOQLTests", dependencies: ["SOQL"], swiftSettings: swiftSettings),
        .testTarget(name: "WaitingTests", dependencies: ["Waiting"], swiftSettings: swiftSettings),
        .testTarget(name: "CrashPointsTests", dependencies: ["CrashPoints"], swiftSettings: swiftSettings),
        .testTarget(name: "CSVTests", dependencies: ["CSV", "TestSupport"], swiftSettings: swiftSettings),
        // Killed again and again by StoreTests while it writes.
        .executableTarget(
            name: "StoreWriter", dependencies: ["Store", "ChangeEvents", "TestSupport"], path: "Tests/StoreWriter",
            swiftSettings: swiftSettings),
        .testTarget(
            name: "StoreTests", dependencies: ["Store", "ChangeEvents", "TestSupport", "StoreWriter", grdb, nio],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "MatchingTests", dependencies: ["Matching", "SOQL", "ChangeEvents"], swiftSettings: swiftSettings),
        .testTarget(
            name: "TwinTests",
            dependencies: ["Twin", "Store", "SOQL", "ChangeEvents", "TestSupport", nio, logging, crypto],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "UpstreamTests",
            dependencies: [
                "Upstream", "PubSubAPI", "ChangeEvents", "CSV", "Waiting", "TestSupport", grpcCore, grpcTransport,
                grpcProtobuf, nio,
                nioPosix, nioHTTP1,
                nioSSL, logging, jwtKit, cryptoExtras, asyncHTTPClient, x509, asn1, crypto,
            ],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "SandboxTests",
            dependencies: [
                "Sandbox", "Doors", "Twin", "Matching", "Store", "SOQL", "CSV", "ChangeEvents", "TestSupport", jwtKit,
                nio, logging, httpTypes,
            ],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "DoorsTests",
            dependencies: [
                "Doors", "CPushLoop", "Sandbox", "Matching", "Twin", "Store", "SOQL", "ChangeEvents", "PubSubAPI",
                "Waiting",
                "TestSupport", nio, nioPosix, nioHTTP1,
                nioEmbedded, nioSSL, hummingbird, jwtKit, grpcCore, grpcTransport, grpcProtobuf, swiftProtobuf,
                asyncHTTPClient, logging,
                crypto, cryptoExtras,
            ], swiftSettings: swiftSettings),
        // What libFuzzer runs (`scripts/fuzz`), and FuzzTests a little of.
        .target(
            name: "FuzzTargets",
            dependencies: [
                "ChangeEvents", "SOQL", "CSV", "Matching", "Doors", "Sandbox", "TestSupport", nio, nioEmbedded,
                nioHTTP1,
                httpTypes, crypto, cryptoExtras,
            ], path: "Tests/FuzzTargets", swiftSettings: swiftSettings),
        .testTarget(
            name: "FuzzTests", dependencies: ["FuzzTargets", "TestSupport"], swiftSettings: swiftSettings),
        .testTarget(
            name: "MillraceTests",
            dependencies: [
                "millrace", "ChangeEvents", "CSV", "Doors", "SOQL", "Sandbox", "Store", "TestSupport", "Twin",
                "Upstream",
                "Waiting", serviceLifecycle, yams, crypto, cryptoExtras, logging, hummingbird, httpTypes, nio, nioPosix,
                argumentParser,
            ], swiftSettings: swiftSettings),
    ]
)
