// swift-tools-version: 6.2

import PackageDescription

/// Benchmarks are a package of their own, so that building the product does not build them.
/// `scripts/bench-*` run them; figures go to `docs/performance.md`.
let package = Package(
    name: "millrace-benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "millrace", path: ".."),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.2"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        .target(name: "CAllocationCount"),
        .executableTarget(
            name: "bench",
            dependencies: [
                "CAllocationCount",
                // Built along with it: scripts/bench-start and scripts/bench-latency run the program itself.
                .product(name: "millrace", package: "millrace"),
                .product(name: "ChangeEvents", package: "millrace"),
                .product(name: "Store", package: "millrace"),
                .product(name: "Twin", package: "millrace"),
                .product(name: "Matching", package: "millrace"),
                .product(name: "Doors", package: "millrace"),
                .product(name: "Sandbox", package: "millrace"),
                .product(name: "PubSubAPI", package: "millrace"),
                .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "GRPCNIOTransportHTTP2", package: "grpc-swift-nio-transport"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            path: "Sources/Bench"
        ),
    ],
    swiftLanguageModes: [.v6]
)
