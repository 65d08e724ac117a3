#ifndef CPUSHLOOP_H
#define CPUSHLOOP_H
#endif
