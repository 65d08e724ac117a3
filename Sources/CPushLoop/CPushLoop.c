#include "CPushLoop.h"
